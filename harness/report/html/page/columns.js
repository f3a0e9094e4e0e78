// Reads the columns of the embedded history: see harness/report/html/embedded_history.py.
"use strict";

const run = JSON.parse(document.getElementById("data").textContent);

const DIGITS =
  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%.()*+-;,=:?@^_`{|}~";

// Five characters are four bytes; a last group that is shorter was cut where it says nothing.
function bytesOf(text) {
  const places = new Uint8Array(128);
  for (let place = 0; place < DIGITS.length; place += 1) places[DIGITS.charCodeAt(place)] = place;
  const missing = (5 - (text.length % 5)) % 5;
  const padded = text + "~".repeat(missing);
  const bytes = new Uint8Array((padded.length / 5) * 4);
  for (let from = 0, to = 0; from < padded.length; from += 5, to += 4) {
    let value = 0;
    for (let at = from; at < from + 5; at += 1) value = value * 85 + places[padded.charCodeAt(at)];
    bytes[to] = value / 16777216;
    bytes[to + 1] = value / 65536;
    bytes[to + 2] = value / 256;
    bytes[to + 3] = value;
  }
  return bytes.subarray(0, bytes.length - missing);
}

async function stream(name) {
  const packed = document.querySelector(`script[data-stream="${name}"]`).textContent;
  const inflating = new DecompressionStream("deflate");
  const inflated = new Blob([bytesOf(packed)]).stream().pipeThrough(inflating);
  return new Uint8Array(await new Response(inflated).arrayBuffer());
}

// Whole numbers in seven bits a byte. They are multiplied, not shifted: times have up to 53 bits.
class Numbers {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  next() {
    let value = 0;
    let factor = 1;
    for (;;) {
      const byte = this.bytes[this.at];
      this.at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  }

  nextSigned() {
    return signed(this.next());
  }
}

const signed = (zigzag) => (zigzag % 2 ? -(zigzag + 1) / 2 : zigzag / 2);

const tableOf = (tag) => run.tables.find((table) => table.tag === tag);

// The values of one column: times in nanoseconds since the origin, words and texts by their places.
async function column(table, name) {
  const { coding, after } = table.columns.find((each) => each.name === name);
  const numbers = new Numbers(await stream(`${table.tag}.${name}`));
  const values = new Float64Array(table.rows);
  const before = after ? await column(table, after) : null;
  let last = 0;
  for (let row = 0; row < table.rows; row += 1) {
    if (coding === "word" || coding === "flag") values[row] = numbers.next();
    else if (before) values[row] = before[row] + numbers.nextSigned();
    else values[row] = last += numbers.nextSigned();
  }
  return values;
}

const wordsOf = (table, name) => table.columns.find((each) => each.name === name).words;

// What each operation did, and how it ended; times in seconds of the page, latencies in ms.
async function operationColumns() {
  const table = tableOf("operation");
  const [intended, completed, kind, completion, process, number, status, error] = await Promise.all(
    ["intended_ns", "completed_ns", "kind", "completion", "process", "number", "http_status",
      "error"].map((name) => column(table, name)));
  const order = Uint32Array.from(intended.keys()).sort((a, b) => intended[a] - intended[b]);
  const sorted = (values) => Float64Array.from(order, (row) => values[row]);
  const words = (name, places) => (row) => wordsOf(table, name)[places[order[row]]];
  return {
    intended: sorted(intended).map((ns) => run.origin_seconds + ns / 1e9),
    latency: sorted(intended).map((ns, row) => (completed[order[row]] - ns) / 1e6),
    kind: words("kind", kind),
    completion: words("completion", completion),
    name: (row) => `${words("process", process)(row)}#${number[order[row]]}`,
    status: (row) => status[order[row]],
    error: words("error", error),
  };
}
