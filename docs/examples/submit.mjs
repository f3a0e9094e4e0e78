// Usage: node submit.mjs LB_URL PATH JSON [TRANSACTION_ID]; needs nothing but Node 18 or a browser's fetch.
const UNDECIDED = [502, 503, 504];
const pause = (milliseconds) => new Promise((wake) => setTimeout(wake, milliseconds));

async function ask(url, options) {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000), ...options });
    return { status: response.status, body: await response.text() };
  } catch (error) {
    return { status: 0, body: String(error) };
  }
}

export async function submit(lb, path, json, id = crypto.randomUUID(), deadlineMs = 60_000) {
  const end = Date.now() + deadlineMs;
  const headers = { "Content-Type": "application/json", "Transaction-ID": id };
  while (Date.now() < end) {
    const answer = await ask(lb + path, { method: "POST", headers, body: json });
    if (answer.status !== 0 && !UNDECIDED.includes(answer.status)) return { id, ...answer };
    let known;
    do {
      await pause(300);
      known = await ask(`${lb}/transactions/${encodeURIComponent(id)}`);
    } while (Date.now() < end && known.status === 200 && JSON.parse(known.body).state === "ATTEMPTING");
  }
  throw new Error(`no outcome of transaction ${id} in time; it may still be applied`);
}

const { argv } = globalThis.process ?? {};
if (argv?.[1]?.endsWith("submit.mjs")) {
  const { status, body } = await submit(...argv.slice(2));
  console.log(status, body);
  process.exitCode = status < 300 ? 0 : 1;
}
