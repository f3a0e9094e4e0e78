// The one time axis of all charts: what is zoomed, panned or pointed at in one is so in all.

const SYNC = "run";
const LEAST_SECONDS = 0.01;
const KEYS = {
  "+": () => zoom(0.5), "=": () => zoom(0.5), "-": () => zoom(2), 0: () => show(0, run.end),
  ArrowLeft: () => pan(-0.25), ArrowRight: () => pan(0.25),
};

const axis = { from: 0, to: run.end, charts: [] };

function show(from, to) {
  const length = Math.min(Math.max(to - from, LEAST_SECONDS), run.end);
  axis.from = Math.max(0, Math.min(from, run.end - length));
  axis.to = axis.from + length;
  for (const chart of axis.charts) chart.setScale("x", { min: axis.from, max: axis.to });
  const isWhole = length >= run.end;
  document.getElementById("range").textContent =
    isWhole ? `whole run, ${run.end.toFixed(1)} s` : `${inSeconds(axis.from)} to ${inSeconds(axis.to)}`;
}

// A factor below 1 shows less time, around the middle.
function zoom(factor) {
  const middle = (axis.from + axis.to) / 2;
  const half = ((axis.to - axis.from) * factor) / 2;
  show(middle - half, middle + half);
}

function pan(part) {
  const step = (axis.to - axis.from) * part;
  show(axis.from + step, axis.to + step);
}

const inSeconds = (value) => `${value.toFixed(axis.to - axis.from < 2 ? 3 : 2)} s`;

// What every chart has in common, for uPlot.
const sharedOptions = (element, height) => ({
  width: element.clientWidth,
  height,
  legend: { show: false },
  padding: [10, 12, 0, 0],
  cursor: {
    y: false,
    sync: {
      key: SYNC,
      // Where the pointer is, all know; that a button was pressed concerns one chart.
      filters: { pub: (event) => event === "mousemove" || event === "mouseleave" },
    },
    drag: { x: true, y: false, setScale: false },
    bind: { dblclick: () => () => show(0, run.end) },
  },
  hooks: {
    setSelect: [(chart) => {
      const { left, width } = chart.select;
      if (width > 2) show(chart.posToVal(left, "x"), chart.posToVal(left + width, "x"));
      chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    }],
    drawClear: [shadeFaults],
    draw: [pointAtViolations],
  },
});

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // Arrows move what is focused and wider than the screen.
    if (event.key.startsWith("Arrow") && event.target.closest("[role=region]")) return;
    const act = KEYS[event.key];
    if (act) {
      act();
      event.preventDefault();
    }
  });
}
