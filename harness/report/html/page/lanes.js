// The swim lanes: what was planned, seen and believed, one below the other on the time axis.

const ROW = 20;
const GAP = 8;
const TITLE = 16;

function laneChart(id) {
  const element = document.getElementById(id);
  const places = laidOut();
  const total = places.reduce((sum, place) => sum + place.height + GAP, 0);
  const options = sharedOptions(element, total + 50);
  options.hooks.draw = [(chart) => drawLanes(chart, places), ...options.hooks.draw];
  options.hooks.setCursor = [(chart) => {
    if (isPointedAt(chart)) tell(chart, spanAt(chart, places)?.detail ?? "");
  }];
  addChart(element, {
    ...options,
    axes: [timeAxis(), { show: true, size: gutter, values: () => [], grid: { show: false }, ticks: { show: false } }],
    scales: { x: { time: false }, y: { range: [0, 1] } },
    series: [{}, { paths: () => null, points: { show: false } }],
  }, [[0, run.end], [null, null]]);
}

// Each lane with its place from the top; on a narrow screen its title stands above it.
function laidOut() {
  let top = 4;
  return run.lanes.map((lane) => {
    const title = isNarrow() ? TITLE : 0;
    const place = { lane, title, top, height: title + lane.rows * ROW };
    top += place.height + GAP;
    return place;
  });
}

function drawLanes(chart, places) {
  const { ctx, bbox } = chart;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = fontOf(chart);
  ctx.textBaseline = "middle";
  for (const { lane, title, top, height } of places) {
    const y = bbox.top + top * ratio;
    ctx.fillStyle = colour("text");
    ctx.textAlign = title ? "left" : "right";
    if (title) ctx.fillText(lane.title, bbox.left + 4 * ratio, y + (TITLE / 2) * ratio);
    else ctx.fillText(lane.title, bbox.left - 10 * ratio, y + (ROW / 2) * ratio);
    ctx.fillStyle = colour("line");
    ctx.fillRect(bbox.left, y + (height + GAP / 2) * ratio, bbox.width, 1);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (const span of lane.spans) drawSpan(chart, span, y + (title + span.row * ROW) * ratio);
    ctx.restore();
  }
  ctx.restore();
}

function drawSpan(chart, span, top) {
  const { ctx, bbox } = chart;
  const ratio = uPlot.pxRatio;
  const left = chart.valToPos(span.begin, "x", true);
  const width = Math.max(2 * ratio, chart.valToPos(span.end, "x", true) - left);
  if (left > bbox.left + bbox.width || left + width < bbox.left) return;
  const height = (ROW - 3) * ratio;
  if (span.look === "mark") {
    drawMark(ctx, left, top + height / 2, 5 * ratio);
    return;
  }
  if (span.look === "runs") {
    ctx.fillStyle = colour("runs");
    ctx.fillRect(left, top + height / 2 - 2 * ratio, width, 4 * ratio);
    return;
  }
  drawBlock(chart, span, left, top, width, height);
  label(chart, span, left, top, width, height);
}

// How a block is filled says what it is, without its colour as well.
function drawBlock(chart, span, left, top, width, height) {
  const { ctx } = chart;
  const ratio = uPlot.pxRatio;
  ctx.fillStyle = colour(`${span.look}-block`);
  ctx.strokeStyle = colour(`${span.look}-edge`);
  ctx.lineWidth = ratio;
  if (span.look === "good") {
    ctx.fillRect(left, top + height * 0.3, width, height * 0.4);
    return;
  }
  ctx.fillRect(left, top, width, height);
  if (span.look === "doubt" || span.look === "none") {
    hatch(ctx, left, top, width, height, colour(`${span.look}-edge`), span.look === "doubt" ? 6 : 12);
  }
  if (span.sure) {
    const from = chart.valToPos(span.sure[0], "x", true);
    const to = chart.valToPos(span.sure[1], "x", true);
    ctx.fillStyle = colour("sure-block");
    ctx.fillRect(from, top, Math.max(ratio, to - from), height);
  }
  if (span.look === "plan") ctx.setLineDash([4 * ratio, 3 * ratio]);
  ctx.strokeRect(left + 0.5, top + 0.5, width - 1, height - 1);
  ctx.setLineDash([]);
}

function drawMark(ctx, x, y, size) {
  ctx.fillStyle = colour("text");
  ctx.beginPath();
  ctx.moveTo(x, y - size);
  ctx.lineTo(x + size, y);
  ctx.lineTo(x, y + size);
  ctx.lineTo(x - size, y);
  ctx.fill();
}

// Its words, where they fit into what is shown of it.
function label(chart, span, left, top, width, height) {
  const { ctx, bbox } = chart;
  const pad = 5 * uPlot.pxRatio;
  const from = Math.max(left, bbox.left);
  if (span.look === "gap") {
    // It is short, as it should be: its words stand behind it.
    ctx.textAlign = "left";
    ctx.fillStyle = colour("text");
    ctx.fillText(span.label, left + width + pad, top + height / 2);
    return;
  }
  const room = Math.min(left + width, bbox.left + bbox.width) - from - 2 * pad;
  if (span.look === "good" || !span.label || room < 8) return;
  let text = span.label;
  while (text && ctx.measureText(text).width > room) text = text.slice(0, -1);
  if (text.length < Math.min(3, span.label.length)) return;
  ctx.textAlign = "left";
  ctx.fillStyle = colour(`${span.sure ? "sure" : span.look}-text`);
  ctx.fillText(text, from + pad, top + height / 2);
}

function spanAt(chart, places) {
  const { left, top } = chart.cursor;
  const moment = chart.posToVal(left, "x");
  const close = Math.abs(chart.posToVal(left + 5, "x") - moment);
  const place = places.find((each) => top >= each.top && top < each.top + each.height);
  if (!place) return null;
  const row = Math.floor((top - place.top - place.title) / ROW);
  const isThere = (span) => span.begin - close <= moment && moment <= span.end + close;
  const there = place.lane.spans.filter((span) => span.row === row && isThere(span));
  // What lies above what else is there, and of that the shortest.
  const [span] = there.sort((a, b) => (a.look === "runs") - (b.look === "runs")
    || (a.end - a.begin) - (b.end - b.begin));
  return span ?? { detail: `${place.lane.title}: ${place.lane.about}` };
}
