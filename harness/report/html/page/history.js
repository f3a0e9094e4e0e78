// Rebuilds the lines of the history from its columns, and saves them as a file.

const LINES_AT_ONCE = 5000;

// The table of all strings: what stands between the numbers of each, and how those went on.
async function allStrings() {
  const frames = JSON.parse(new TextDecoder().decode(await stream("strings.frames")));
  const used = new Numbers(await stream("strings.frame"));
  const numbers = new Numbers(await stream("strings.numbers"));
  const uuids = await stream("strings.uuids");
  const last = frames.map((literals) => new Array(Math.max(0, literals.length - 1)).fill(0));
  const strings = [];
  let uuid = 0;
  while (used.at < used.bytes.length) {
    const frame = used.next();
    if (frame === 0) {
      strings.push(uuidOf(uuids.subarray(uuid, uuid + 16)));
      uuid += 16;
      continue;
    }
    let text = frames[frame][0];
    for (let at = 0; at < last[frame].length; at += 1) {
      last[frame][at] += numbers.nextSigned();
      text += last[frame][at] + frames[frame][at + 1];
    }
    strings.push(text);
  }
  return strings;
}

function uuidOf(bytes) {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// The lists of all columns of a table, row by row: what one names is near what the last one named.
async function listsOf(table) {
  const names = table.columns.filter((each) => each.coding === "texts").map((each) => each.name);
  const streams = await Promise.all(names.map((name) => stream(`${table.tag}.${name}`)));
  const readers = streams.map((bytes) => new Numbers(bytes));
  const found = Object.fromEntries(names.map((name) => [name, []]));
  let last = 0;
  for (let row = 0; row < table.rows; row += 1) {
    names.forEach((name, index) => {
      const numbers = readers[index];
      const places = new Array(numbers.next());
      for (let filled = 0; filled < places.length;) {
        const coded = numbers.next();
        const length = coded % 2 ? numbers.next() : 1;
        let place = last + 1 + signed(Math.floor(coded / 2));
        for (const end = filled + length; filled < end; filled += 1) places[filled] = place++;
        last = place - 1;
      }
      found[name].push(places);
    });
  }
  return found;
}

// One function for each field, which writes its value in a row; nothing where it is the default.
async function fieldWriter(table, field, lists, strings) {
  const { name, coding, words } = field;
  const hasDefault = field.default !== null;
  if (coding === "texts") {
    const ofRow = lists[name];
    return (row) => hasDefault && !ofRow[row].length
      ? "" : JSON.stringify(ofRow[row].map((place) => strings[place]));
  }
  const values = await column(table, name);
  if (coding === "time") {
    const origin = BigInt(run.origin_ns);
    return (row) => String(origin + BigInt(values[row]));
  }
  const value = {
    number: (row) => values[row],
    flag: (row) => Boolean(values[row]),
    word: (row) => words[values[row]],
    text: (row) => strings[values[row]],
  }[coding];
  return (row) => hasDefault && value(row) === field.default ? "" : JSON.stringify(value(row));
}

async function lineWriter(table, strings) {
  const lists = await listsOf(table);
  const writers = await Promise.all(
    table.columns.map((field) => fieldWriter(table, field, lists, strings)));
  return (row) => {
    let line = `{"type":${JSON.stringify(table.tag)}`;
    writers.forEach((write, index) => {
      const written = write(row);
      if (written !== "") line += `,${JSON.stringify(table.columns[index].name)}:${written}`;
    });
    return `${line}}\n`;
  };
}

// The whole file, as parts of a Blob.
async function historyParts() {
  const strings = await allStrings();
  const writers = await Promise.all(run.tables.map((table) => lineWriter(table, strings)));
  const rows = run.tables.map(() => 0);
  const order = await stream("order");
  const text = await stream("text");
  const parts = [];
  let lines = [];
  let at = 0;
  for (const table of order) {
    if (table) {
      lines.push(writers[table - 1](rows[table - 1]++));
    } else {
      const end = text.indexOf(10, at) + 1 || text.length;
      parts.push(lines.join(""), text.subarray(at, end));
      lines = [];
      at = end;
    }
    if (lines.length === LINES_AT_ONCE) parts.push(lines.splice(0).join(""));
  }
  parts.push(lines.join(""));
  return parts;
}

async function saveHistory() {
  const told = document.getElementById("downloaded");
  told.textContent = "Unpacking …";
  const file = new Blob(await historyParts(), { type: "application/x-ndjson" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = "history.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  told.textContent = `${(file.size / 1e6).toFixed(1)} MB`;
}
