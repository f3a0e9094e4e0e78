// Draws the charts, and listens: buttons, keys, the size of the window, the printer.

const AROUND_SECONDS = 1.5;
const PRINT_WIDTH = 700;

let violation = 0;

async function draw() {
  laneChart("chart-lanes");
  lineChart("chart-backlog", run.backlog, (value) => `${value}`, 130);
  rateChart("chart-rates", run.rates);
  lineChart("chart-memory", run.memory, (value) => `${Math.round(value)} MB`);
  lineChart("chart-processor", run.processor, (value) => `${Math.round(value)} %`);
  await latencyChart("chart-latency");
  show(0, run.end);
}

const paper = matchMedia("print");

function resize() {
  for (const chart of axis.charts) {
    const width = paper.matches ? PRINT_WIDTH : chart.root.parentElement.clientWidth;
    chart.setSize({ width, height: chart.height });
  }
}

function goTo(number) {
  const found = document.getElementById(`violation-${number}`);
  if (!found) return;
  violation = number;
  const folded = found.closest("details");
  if (folded) folded.open = true;
  found.scrollIntoView({ block: "start" });
  found.focus({ preventScroll: true });
}

function listen() {
  listenToKeys();
  Object.assign(KEYS, {
    v: () => goTo(1), n: () => goTo(violation + 1), p: () => goTo(violation - 1),
  });
  const tools = { in: KEYS["+"], out: KEYS["-"], whole: KEYS[0] };
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", tools[button.dataset.zoom]);
  }
  for (const button of document.querySelectorAll("[data-from]")) {
    button.addEventListener("click", () => {
      show(+button.dataset.from - AROUND_SECONDS, +button.dataset.to + AROUND_SECONDS);
      document.getElementById("timeline").scrollIntoView({ block: "start" });
    });
  }
  document.querySelector("[data-violation]")?.addEventListener("click", (event) => {
    event.preventDefault();
    goTo(1);
  });
  document.getElementById("download").addEventListener("click", () => attempt(saveHistory));
  document.addEventListener("mouseout", (event) => {
    if (!event.relatedTarget?.closest?.(".u-over")) document.getElementById("tip").hidden = true;
  });
  new ResizeObserver(() => resize()).observe(document.querySelector("main"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => resize());
  paper.addEventListener("change", () => prepareToPrint(paper.matches));
}

// On paper all that is folded is open, and charts are as wide as a page.
function prepareToPrint(isPrint) {
  for (const folded of document.querySelectorAll("article details")) {
    if (isPrint) folded.dataset.was = folded.open;
    folded.open = isPrint || folded.dataset.was === "true";
  }
  resize();
}

// What goes wrong is said on the page: without its charts it still has all that is text.
async function attempt(act) {
  try {
    await act();
  } catch (error) {
    const trouble = document.getElementById("trouble");
    trouble.textContent = `Not all could be shown: ${error}`;
    trouble.hidden = false;
    throw error;
  }
}

attempt(draw).then(() => {
  document.documentElement.dataset.drawn = Math.round(performance.now());
});
listen();
