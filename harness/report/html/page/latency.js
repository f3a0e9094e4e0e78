// The latency of every operation, each a point: as many as there are, drawn once in each place.

const HEIGHT = 300;
const CLOSE_PIXELS = 12;

async function latencyChart(id) {
  const operations = await operationColumns();
  const element = document.getElementById(id);
  const options = sharedOptions(element, HEIGHT);
  let least = Infinity;
  let most = 1;
  for (const latency of operations.latency) {
    if (latency > 0 && latency < least) least = latency;
    if (latency > most) most = latency;
  }
  const bounds = [10 ** Math.floor(Math.log10(Math.min(least, 1))), 10 ** Math.ceil(Math.log10(most))];
  options.hooks.draw = [
    (chart) => drawPoints(chart, operations), drawPercentiles, ...options.hooks.draw];
  options.hooks.setCursor = [(chart) => {
    if (isPointedAt(chart)) tell(chart, describe(operations, nearest(chart, operations)));
  }];
  addChart(element, {
    ...options,
    axes: [timeAxis(), valueAxis(inMilliseconds)],
    scales: { x: { time: false }, y: { distr: 3, range: bounds } },
    // The points are ours to draw: the library would make a path of each.
    series: [{}, { paths: () => null, points: { show: false } }],
  }, [operations.intended, operations.latency]);
}

const inMilliseconds = (value) =>
  value >= 1000 ? `${+(value / 1000).toFixed(2)} s` : `${+value.toFixed(value < 1 ? 2 : 1)} ms`;

function firstAt(moments, moment) {
  let low = 0;
  let high = moments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (moments[middle] < moment) low = middle + 1;
    else high = middle;
  }
  return low;
}

function drawPoints(chart, operations) {
  const { ctx, bbox } = chart;
  const size = 2.5 * uPlot.pxRatio;
  const { intended, latency } = operations;
  const taken = new Set();
  const failures = [];
  const [read, write] = [colour("read"), colour("write")];
  const writes = new Set(["create", "add", "upsert", "update", "delete", "modify", "rename", "drop"]);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.lineWidth = uPlot.pxRatio;
  const end = firstAt(intended, axis.to);
  for (let row = firstAt(intended, axis.from); row < end; row += 1) {
    const x = chart.valToPos(intended[row], "x", true);
    const y = chart.valToPos(Math.max(latency[row], 1e-3), "y", true);
    if (operations.completion(row) !== "ok") {
      failures.push([operations.completion(row), x, y]);
      continue;
    }
    const isWrite = writes.has(operations.kind(row));
    // Points in one place are one point: more of them would only take time.
    const place = (Math.round(x / size) * 100_000 + Math.round(y / size)) * 2 + isWrite;
    if (taken.has(place)) continue;
    taken.add(place);
    if (isWrite) {
      ctx.strokeStyle = write;
      ctx.strokeRect(x - size, y - size, 2 * size, 2 * size);
    } else {
      ctx.fillStyle = read;
      ctx.beginPath();
      ctx.arc(x, y, size, 0, 2 * Math.PI);
      ctx.fill();
    }
  }
  ctx.restore();
  for (const [outcome, x, y] of failures) sign(ctx, outcome, x, y, 4.5 * uPlot.pxRatio);
}

function drawPercentiles(chart) {
  const { ctx } = chart;
  ctx.save();
  for (const { phase, sort, p50, p99 } of run.latencies) {
    const stretch = run.phases.find((each) => each.name === phase);
    const from = Math.max(stretch.begin, axis.from);
    const to = Math.min(stretch.end, axis.to);
    if (from >= to) continue;
    for (const [value, dash] of [[p50, []], [p99, [6, 4]]]) {
      const y = Math.round(chart.valToPos(Math.max(value, 1e-3), "y", true));
      ctx.beginPath();
      ctx.setLineDash(dash.map((length) => length * uPlot.pxRatio));
      ctx.moveTo(chart.valToPos(from, "x", true), y);
      ctx.lineTo(chart.valToPos(to, "x", true), y);
      // A pale edge keeps the line apart from the points below it.
      ctx.strokeStyle = colour("card");
      ctx.lineWidth = 4 * uPlot.pxRatio;
      ctx.stroke();
      ctx.strokeStyle = colour(`${sort}-strong`);
      ctx.lineWidth = 1.75 * uPlot.pxRatio;
      ctx.stroke();
    }
  }
  ctx.restore();
}

// The row of the point that is nearest to the pointer, if any is close.
function nearest(chart, { intended, latency }) {
  const { left, top } = chart.cursor;
  const from = firstAt(intended, chart.posToVal(left - CLOSE_PIXELS, "x"));
  const to = firstAt(intended, chart.posToVal(left + CLOSE_PIXELS, "x"));
  let found = -1;
  let least = CLOSE_PIXELS ** 2;
  for (let row = from; row < to; row += 1) {
    const across = chart.valToPos(intended[row], "x") - left;
    const along = chart.valToPos(Math.max(latency[row], 1e-3), "y") - top;
    const distance = across ** 2 + along ** 2;
    if (distance < least) [found, least] = [row, distance];
  }
  return found;
}

function describe(operations, row) {
  if (row < 0) return "";
  const status = operations.status(row) || "no status";
  const words = [
    `${operations.name(row)}: ${operations.kind(row)}, ${operations.completion(row)}, ${status}`,
    `${inMilliseconds(operations.latency[row])} from ${operations.intended[row].toFixed(3)} s`,
    operations.error(row),
  ];
  return words.filter(Boolean).join("\n");
}
