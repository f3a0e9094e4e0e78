// Draws the charts that a page describes in its figures. Without it the tables say the same.

const PLAIN = window.matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

// Steps of a logarithmic axis: powers of ten, and 2 and 5 times those where there is room.
function steps(min, max) {
  const factors = max / min < 1000 ? [1, 2, 5] : [1];
  const powers = [-2, -1, 0, 1, 2, 3, 4, 5].map((exponent) => 10 ** exponent);
  return powers.flatMap((power) => factors.map((factor) => factor * power)).filter((n) => n >= min && n <= max);
}

function axes(chart) {
  const common = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line") } };
  const x = chart.kind === "trend"
    ? { ...common, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500], values: (_, splits) => splits.map((n) => `no. ${n}`) }
    : { ...common, values: (_, splits) => splits.map((n) => `${n} s`) };
  const splits = chart.log ? (_, __, min, max) => steps(min, max) : undefined;
  return [x, { ...common, size: 64, splits, values: (_, splits) => splits.map((n) => (n === null ? "" : n.toLocaleString("en"))) }];
}

// Lines differ by dashes as well as by colour; B, and the second of a trend, is dashed.
function isDashed(series, number) {
  return series.side ? series.side === "B" : number === 1;
}

function line(series, number) {
  const isSecond = isDashed(series, number);
  return {
    label: series.label,
    stroke: colour(isSecond ? "second" : "accent"),
    dash: isSecond ? [7, 4] : undefined,
    width: series.thin ? 1 : 2,
    spanGaps: false,
    points: { show: series.values.length < 120, size: series.thin ? 3 : 6, fill: colour("card") },
    value: (_, value) => (value === null || value === undefined ? "-" : value.toLocaleString("en")),
  };
}

// Faults are shaded: those of A in the upper half, those of B in the lower one.
function shadeFaults(plot, windows) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
  for (const fault of windows) {
    const from = Math.max(bbox.left, plot.valToPos(fault.from, "x", true));
    const to = Math.min(bbox.left + bbox.width, plot.valToPos(fault.to, "x", true));
    if (to <= from) continue;
    const top = bbox.top + (fault.side === "B" ? bbox.height / 2 : 0);
    ctx.fillStyle = colour("shade");
    ctx.fillRect(from, top, to - from, bbox.height / 2);
    ctx.fillStyle = colour("quiet");
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    ctx.fillText(`${fault.side}: ${fault.label}`, from + 4, top + 4);
  }
  ctx.restore();
}

// A run that failed gets a cross, whatever its figures were.
function crossFailures(plot, chart) {
  const { ctx } = plot;
  const size = 6 * devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour("bad");
  ctx.lineWidth = 2 * devicePixelRatio;
  chart.failed.forEach((hasFailed, index) => {
    const value = chart.series[0].values[index];
    if (!hasFailed || value === null) return;
    const [x, y] = [plot.valToPos(chart.x[index], "x", true), plot.valToPos(value, "y", true)];
    for (const slope of [-1, 1]) {
      ctx.beginPath();
      ctx.moveTo(x - size, y - slope * size);
      ctx.lineTo(x + size, y + slope * size);
      ctx.stroke();
    }
  });
  ctx.restore();
}

function options(chart, width) {
  const isTrend = chart.kind === "trend";
  return {
    width,
    height: 240,
    cursor: { sync: { key: chart.kind, setSeries: false } },
    scales: {
      x: { time: false, range: isTrend ? (_, min, max) => [min - 0.5, max + 0.5] : undefined },
      // uPlot's logarithmic scale has no place for zero, which a latency never is.
      y: chart.log ? { distr: 3 } : { range: (_, min, max) => [0, (max || 1) * 1.1] },
    },
    axes: axes(chart),
    legend: { markers: { width: 2, dash: (_, number) => (number && isDashed(chart.series[number - 1], number - 1) ? "dashed" : "solid") } },
    series: [
      { label: isTrend ? "run" : "second", value: (_, x) => (isTrend ? chart.runs[x - 1] ?? "-" : x ?? "-") },
      ...chart.series.map(line),
    ],
    hooks: {
      drawAxes: [(plot) => shadeFaults(plot, chart.windows ?? [])],
      draw: [(plot) => isTrend && crossFailures(plot, chart)],
    },
  };
}

function draw(figure) {
  const chart = JSON.parse(figure.dataset.chart);
  figure.querySelector(".uplot")?.remove();
  const data = [chart.x, ...chart.series.map((series) => series.values)];
  return new uPlot(options(chart, figure.clientWidth), data, figure);
}

function drawAll() {
  for (const figure of document.querySelectorAll("figure[data-chart]")) draw(figure);
}

let waiting;
window.addEventListener("resize", () => {
  clearTimeout(waiting);
  waiting = setTimeout(drawAll, 150);
});
PLAIN.addEventListener("change", drawAll);
drawAll();
