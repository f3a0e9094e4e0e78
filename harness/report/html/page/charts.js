// What charts look like: colours, fault windows, and lines that differ by their dashes as well.

const GUTTER = 132;
const NARROW_GUTTER = 60;
const DASHES = [[], [7, 3], [2, 3], [9, 3, 2, 3], [4, 4], [12, 3]];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
const isNarrow = () => window.innerWidth < 640;
const gutter = () => (isNarrow() ? NARROW_GUTTER : GUTTER);
const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";
const fontOf = (chart) => FONT.replace("12px", `${12 * uPlot.pxRatio}px`);

const timeAxis = () => ({
  size: 30,
  stroke: () => colour("quiet"),
  grid: { stroke: () => colour("line"), width: 1 },
  ticks: { stroke: () => colour("line"), width: 1 },
  font: FONT,
  values: (_, moments) => moments.map((moment) => `${+moment.toFixed(3)} s`),
});

const valueAxis = (format) => ({
  ...timeAxis(),
  size: gutter,
  values: (_, values) => values.map((value) => (value === null ? "" : format(value))),
});

// Faults are hatched, so that they are seen in print and without colour.
function shadeFaults(chart) {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const fault of run.faults) {
    const left = chart.valToPos(fault.begin, "x", true);
    const width = Math.max(2, chart.valToPos(fault.end, "x", true) - left);
    ctx.fillStyle = colour("fault-ground");
    ctx.fillRect(left, bbox.top, width, bbox.height);
    hatch(ctx, left, bbox.top, width, bbox.height, colour("fault-line"), 9);
  }
  ctx.restore();
}

function hatch(ctx, left, top, width, height, stroke, step) {
  const gap = step * uPlot.pxRatio;
  // Only what is on the canvas: a fault may reach far out of what is shown.
  const from = Math.max(left, 0);
  const to = Math.min(left + width, ctx.canvas.width);
  if (to <= from) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(from, top, to - from, height);
  ctx.clip();
  ctx.beginPath();
  for (let x = Math.floor((from - height) / gap) * gap; x < to; x += gap) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.strokeStyle = stroke;
  ctx.lineWidth = uPlot.pxRatio;
  ctx.stroke();
  ctx.restore();
}

function pointAtViolations(chart) {
  const { ctx, bbox } = chart;
  const size = 5 * uPlot.pxRatio;
  ctx.save();
  ctx.fillStyle = colour("bad");
  for (const { at } of run.violations) {
    const x = chart.valToPos(at, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x - size, bbox.top - 2 * size);
    ctx.lineTo(x + size, bbox.top - 2 * size);
    ctx.lineTo(x, bbox.top);
    ctx.fill();
  }
  ctx.restore();
}

function addChart(element, options, data) {
  const chart = new uPlot(options, data, element);
  axis.charts.push(chart);
  return chart;
}

// A key for each line, drawn as the line is, with its value at the pointer.
function legend(element, keys, format) {
  const list = document.createElement("div");
  list.className = "legend";
  const values = keys.map(({ name, colour: line, dash }) => {
    const key = document.createElement("span");
    const stroke = shape("svg", { viewBox: "0 0 32 11", "aria-hidden": "true" });
    stroke.append(shape("line", {
      x1: 0, x2: 32, y1: 6, y2: 6, "stroke-width": 2, stroke: `var(--${line})`,
      "stroke-dasharray": dash.join(" "),
    }));
    const value = document.createElement("output");
    key.append(stroke, name, value);
    list.append(key);
    return value;
  });
  element.after(list);
  return (chart) => values.forEach((value, index) => {
    const found = chart.cursor.idx === null ? null : chart.data[index + 1][chart.cursor.idx];
    value.textContent = found === null || found === undefined ? "" : format(found);
  });
}

function shape(name, attributes) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// Lines over the moments of a series, each with a colour and a dash of its own.
function lineChart(id, { moments, lines }, format, height = 140) {
  const element = document.getElementById(id);
  if (!lines.length) {
    element.replaceWith(note("Nobody measured it in this run."));
    return;
  }
  const keys = lines.map(({ name }, index) => ({
    name, colour: `line-${index % DASHES.length}`, dash: DASHES[index % DASHES.length],
  }));
  const options = sharedOptions(element, height);
  options.hooks.setCursor = [legend(element, keys, format)];
  addChart(element, {
    ...options,
    axes: [timeAxis(), valueAxis(format)],
    scales: { x: { time: false }, y: { range: (_, least, most) => [0, Math.max(1, most * 1.1)] } },
    series: [{}, ...keys.map(({ colour: line, dash }) => ({
      stroke: () => colour(line), width: 1.5, dash, spanGaps: false, points: { show: false },
    }))],
  }, [moments, ...lines.map((line) => line.values)]);
}

// Failures are few beside all that went well: each bin with any has a sign of its own.
function rateChart(id, { moments, lines, bin_seconds: width }) {
  const element = document.getElementById(id);
  const keys = lines.map(({ name }) => ({ name, colour: name, dash: name === "info" ? [4, 3] : [] }));
  const options = sharedOptions(element, 160);
  options.hooks.setCursor = [legend(element, keys, (value) => `${value}/s`)];
  options.hooks.draw = [...options.hooks.draw, (chart) => markFailures(chart, width)];
  const paths = uPlot.paths.stepped({ align: 1 });
  addChart(element, {
    ...options,
    axes: [timeAxis(), valueAxis((value) => `${value}/s`)],
    scales: { x: { time: false }, y: { range: (_, least, most) => [0, Math.max(1, most * 1.1)] } },
    series: [{}, ...keys.map(({ name, dash }) => ({
      stroke: () => colour(name),
      fill: name === "ok" ? () => colour("ok-ground") : undefined,
      width: 1.5,
      dash,
      paths,
      points: { show: false },
    }))],
  }, [moments, ...lines.map((line) => line.values)]);
}

function markFailures(chart, width) {
  const [moments, , ...rest] = chart.data;
  ["fail", "info"].forEach((outcome, index) => {
    rest[index].forEach((value, bin) => {
      const moment = moments[bin] + width / 2;
      if (!value || moment < axis.from || moment > axis.to) return;
      const x = chart.valToPos(moment, "x", true);
      sign(chart.ctx, outcome, x, chart.valToPos(value, "y", true), 4 * uPlot.pxRatio);
    });
  });
}

// How an outcome is drawn wherever it is: a cross for fail, a triangle for info.
function sign(ctx, outcome, x, y, size) {
  ctx.save();
  ctx.strokeStyle = colour(outcome);
  ctx.lineWidth = 1.6 * uPlot.pxRatio;
  ctx.beginPath();
  if (outcome === "fail") {
    ctx.moveTo(x - size, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.moveTo(x + size, y - size);
    ctx.lineTo(x - size, y + size);
  } else {
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.lineTo(x - size, y + size);
    ctx.closePath();
  }
  ctx.stroke();
  ctx.restore();
}

function note(text) {
  const made = document.createElement("p");
  made.className = "quiet";
  made.textContent = text;
  return made;
}

// A line of text beside the pointer.
function tell(chart, text) {
  const tip = document.getElementById("tip");
  tip.hidden = !text;
  if (!text) return;
  tip.textContent = text;
  const over = chart.over.getBoundingClientRect();
  const { left, top } = chart.cursor;
  const x = Math.min(over.left + left + 14, window.innerWidth - tip.offsetWidth - 8);
  tip.style.left = `${Math.max(8, x) + window.scrollX}px`;
  tip.style.top = `${over.top + top + 18 + window.scrollY}px`;
}

const isPointedAt = (chart) => chart.over.matches(":hover") && chart.cursor.left >= 0;
