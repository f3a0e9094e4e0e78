// Draws what /events sends. Nothing is remembered between two events but which transitions were
// seen, so the page is true again as soon as there is contact again.
"use strict";

const SILENCE_MS = 2500;
const RETRY_MS = 2000;
const COLUMNS = ["Instance", "State", "Lag", "Backlog", "Replication p95", "Since, and why"];
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);
let lastContact = null;
let isLost = false;
let announced = null;
let source = null;

function connect() {
  source = new EventSource("/events");
  source.onmessage = (event) => take(JSON.parse(event.data));
  source.onerror = () => {
    lose();
    // A browser tries again by itself unless it was answered with an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(connect, RETRY_MS);
  };
}

function take(snapshot) {
  lastContact = new Date();
  isLost = false;
  byId("content").classList.remove("stale");
  byId("content").setAttribute("aria-busy", "false");
  say("live", `Live, ${clockTime(snapshot.generated_at, false)}`);
  draw(snapshot);
}

function lose() {
  isLost = true;
  byId("content").classList.add("stale");
  const since = lastContact ? ` since ${clockTime(lastContact, false)}` : "";
  say("lost", `No contact${since}`);
  if (lastContact) judge("What is below was true then; nothing is known of now.", "no");
}

function judge(words, well) {
  byId("verdict").textContent = words;
  byId("verdict").dataset.well = well;
}

function say(state, words) {
  const contact = byId("contact");
  contact.dataset.contact = state;
  // Only a change of state is worth being read out.
  contact.setAttribute("aria-live", state === "live" ? "off" : "assertive");
  if (contact.textContent !== words) contact.textContent = words;
  document.title = state === "lost" ? "No contact: chroma-lb" : "chroma-lb";
}

function draw(snapshot) {
  byId("role").textContent =
    `${snapshot.version}, ${snapshot.role}, up ${duration(snapshot.uptime_seconds)}`;
  drawInstances(snapshot);
  drawThroughput(snapshot);
  drawLatency(snapshot);
  drawLog(snapshot);
  drawProcess(snapshot);
  drawTransitions(snapshot.last_transitions);
}

function drawInstances(snapshot) {
  const all = snapshot.instances.length;
  const up = snapshot.instances.filter((each) => each.state === "UP").length;
  const serving = snapshot.healthy_instances;
  const rest = `${serving} ${serving === 1 ? "takes" : "take"} requests.`;
  const conflict = snapshot.identity && snapshot.identity.conflict;
  if (conflict) {
    judge(`Nothing is read or written: ${conflict}.`, "no");
  } else if (snapshot.role === "standby") {
    judge("This one stands by; what the instances are like only the active one knows.", "yes");
  } else if (up === all) {
    judge(`All ${all} are up.`, "yes");
  } else {
    judge(`${up} of ${all} up, ${rest}`, serving === all ? "partly" : "no");
  }
  const rows = byId("instances").tBodies[0];
  while (rows.rows.length > all) rows.deleteRow(-1);
  snapshot.instances.forEach((instance, index) => {
    drawInstance(rows.rows[index] || newRow(rows), instance);
  });
}

function newRow(rows) {
  const row = rows.insertRow();
  row.setAttribute("role", "row");
  COLUMNS.forEach((label, index) => {
    const cell = document.createElement(index ? "td" : "th");
    cell.setAttribute("role", index ? "cell" : "rowheader");
    if (!index) cell.scope = "row";
    cell.dataset.label = label;
    cell.className = index > 1 && index < 5 ? "number" : index === 5 ? "why" : "";
    row.append(cell);
  });
  return row;
}

function drawInstance(row, instance) {
  row.dataset.instance = instance.name;
  const [name, state, lag, backlog, replication, why] = row.cells;
  name.replaceChildren(element("span", instance.name, ""), element("small", instance.url, ""));
  state.replaceChildren(stateBadge(instance.state));
  lag.textContent = seconds(instance.lag_seconds);
  backlog.textContent = count(instance.pending_entries);
  replication.textContent = seconds(instance.replication_seconds.p95);
  why.replaceChildren(lines(instance));
}

function lines(instance) {
  const all = element("div", clockTime(instance.since, true), "");
  all.append(element("small", instance.cause, ""));
  if (instance.forced !== null) {
    const left = duration(instance.forced_seconds_left);
    all.append(element("small", `Forced by an administrator for another ${left}`, ""));
  }
  const rebuild = instance.rebuild;
  if (rebuild && rebuild.collections_to_go) {
    all.append(element("small", `${count(rebuild.collections_to_go)} collections to copy`, ""));
  }
  return all;
}

function stateBadge(state) {
  const badge = element("span", state.replace("_", " "), "state");
  badge.dataset.state = state;
  return badge;
}

function drawThroughput({ throughput, history }) {
  byId("requests-per-second").textContent = rate(throughput.requests_per_second);
  byId("reads-per-second").textContent = rate(throughput.reads_per_second);
  byId("writes-per-second").textContent = rate(throughput.writes_per_second);
  chart(byId("throughput-chart"), history.reads, history.writes, (most) => `${rate(most)}/s`, 4);
}

function drawLatency({ latency_seconds: latency, history }) {
  for (const kind of ["read", "write"]) {
    const row = byId(`latency-${kind}`);
    while (row.cells.length > 1) row.deleteCell(-1);
    for (const name of ["p50", "p95", "p99", "max"]) {
      row.append(element("td", seconds(latency[kind][name]), "number"));
    }
  }
  chart(
    byId("latency-chart"), history.read_p95_seconds, history.write_p95_seconds, seconds, 0.01);
}

// Two lines over time, the newest at the right. A second without requests is a gap.
function chart(svg, solid, dashed, label, least) {
  const width = svg.clientWidth || 400;
  const height = 84;
  const top = 16;
  const known = [...solid, ...dashed].filter((value) => value !== null);
  const most = Math.max(least, ...known);
  const x = (index) => (index * width) / (solid.length - 1);
  const y = (value) => height - 2 - (value * (height - top - 2)) / most;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const base = shape("line", { x1: 0, x2: width, y1: height - 1, y2: height - 1 });
  const limit = shape("line", { x1: 0, x2: width, y1: top, y2: top });
  const text = shape("text", { x: width, y: top - 5, "text-anchor": "end" });
  text.textContent = label(most);
  svg.replaceChildren(
    base, limit, text,
    shape("path", { class: "solid", d: path(solid, x, y) }),
    shape("path", { class: "dashed", d: path(dashed, x, y) }));
}

function path(values, x, y) {
  let isDrawing = false;
  const steps = [];
  values.forEach((value, index) => {
    if (value !== null) {
      const point = `${x(index).toFixed(1)},${y(value).toFixed(1)}`;
      // A lone point is a line of no length, which round caps make a dot.
      steps.push(isDrawing ? `L${point}` : `M${point}L${point}`);
    }
    isDrawing = value !== null;
  });
  return steps.join("");
}

function drawLog({ log, transactions }) {
  const waiting = transactions.by_state.ATTEMPTING;
  describe(byId("log"), [
    ["Can be written", log.available ? "yes" : "no", !log.available],
    ["Last position", count(log.last_position)],
    ["Writes without an outcome", waiting === undefined ? "–" : count(waiting)],
    ["Oldest entry that an instance lacks", seconds(log.oldest_pending_age_seconds)],
    ["Bodies kept", `${count(log.entries_with_body)}, ${bytes(log.body_bytes)}`],
    ["Size on disk", bytes(log.table_bytes)],
    ["In quarantine", count(log.quarantined), log.quarantined > 0],
  ]);
}

function drawProcess({ process, memory, requests, collections }) {
  describe(byId("process"), [
    ["Resident memory", `${bytes(memory.rss_bytes)} of ${bytes(memory.limit_bytes)}`],
    ["Bodies in memory", `${bytes(memory.bodies_bytes)} of ${bytes(memory.budget_bytes)}`],
    ["Requests that wait for memory", count(memory.waiting_for_budget)],
    ["Refused for lack of memory", count(memory.refused_for_budget)],
    ["Most in one request to an instance", 
      `${count(memory.window_documents)} documents, ${bytes(memory.window_bytes)}`],
    ["Processor", `${process.cpu_percent.toFixed(0)} %`],
    ["Requests in flight", count(requests.in_flight)],
    ["Requests answered", count(requests.served)],
    ["Answered with a 5xx", count(requests.server_errors)],
    ["Collections", count(collections)],
  ]);
}

function describe(list, rows) {
  list.replaceChildren(
    ...rows.flatMap(([name, value, isBad]) => [
      element("dt", name, ""), element("dd", value, isBad ? "bad" : "")]));
}

function drawTransitions(transitions) {
  byId("no-transitions").hidden = transitions.length > 0;
  const list = byId("transitions");
  const newest = transitions.length ? transitions[0].number : 0;
  if (list.dataset.newest === String(newest) && list.children.length === transitions.length) return;
  list.dataset.newest = newest;
  list.replaceChildren(...transitions.map(transitionItem));
  announce(transitions, newest);
}

function transitionItem(transition) {
  const item = document.createElement("li");
  const change = element("span", "", "change");
  change.append(
    stateBadge(transition.from), element("span", " \u2192 ", "quiet"), stateBadge(transition.to));
  item.append(
    element("span", clockTime(transition.at, true), ""), element("b", transition.instance, ""),
    change, element("span", transition.cause, "cause"));
  return item;
}

// Screen readers hear what is new, not the whole list, and nothing of what was before they came.
function announce(transitions, newest) {
  if (announced !== null) {
    const fresh = transitions.filter((each) => each.number > announced).reverse();
    byId("announcement").textContent =
      fresh.map((each) => `${each.instance} is ${words(each.to)}`).join(". ");
  }
  announced = newest;
}

function element(name, text, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function clockTime(time, withMilliseconds) {
  const at = new Date(time);
  const two = (number) => String(number).padStart(2, "0");
  const whole = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  return withMilliseconds ? `${whole}.${String(at.getMilliseconds()).padStart(3, "0")}` : whole;
}

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return `${(value * 1000).toFixed(value < 0.01 && value > 0 ? 1 : 0)} ms`;
  return value < 120 ? `${value.toFixed(1)} s` : duration(value);
}

function duration(value) {
  const whole = Math.floor(value);
  if (whole < 120) return `${whole} s`;
  if (whole < 7200) return `${Math.floor(whole / 60)} min`;
  if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
  return `${Math.floor(whole / 86400)} days`;
}

function bytes(value) {
  if (value < 1024) return `${value} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let index = -1;
  let left = value;
  do {
    left /= 1024;
    index += 1;
  } while (left >= 1024 && index < units.length - 1);
  return `${left.toFixed(left < 10 ? 1 : 0)} ${units[index]}`;
}

const rate = (value) => (value < 10 && value % 1 ? value.toFixed(1) : count(Math.round(value)));
const count = (value) => value.toLocaleString("en");
const words = (name) => {
  const spaced = name.replace(/_bytes$/, "").replaceAll("_", " ").toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
};

// A stream that hangs gives no error: silence itself is the sign.
setInterval(() => {
  if (!isLost && lastContact && Date.now() - lastContact > SILENCE_MS) lose();
}, 250);
connect();
