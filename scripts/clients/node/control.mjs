// The simulator's live control: its journal, and faults for one call. As control.py.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

// The header of one refusal. Clients that knew only `retry-after` would wait 2 s,
// those that knew neither half a second.
const toldMs = 1200;

// How often to try to be refused by a deployment that answers once a second.
export const provocations = 10;

async function ask(url, path, body) {
  const headers = { "api-key": process.env.SIMULATOR_API_KEY, "content-type": "application/json" };
  const method = body ? "POST" : "GET";
  const answer = await fetch(`${url}/++/${path}`, { method, headers, body: body && JSON.stringify(body) });
  assert.equal(answer.status, 200, path);
  return answer.json();
}

/** The simulator's records of one call; waits for the one that ends it. */
export async function journal(correlationId, url = process.env.SIMULATOR_URL) {
  const deadline = performance.now() + 5000;
  for (;;) {
    const records = [];
    for (let after = 0; ; ) {
      const page = await ask(url, `journal?after=${after}`);
      if (page.records.length === 0) break;
      records.push(...page.records.filter((record) => record.correlation_id === correlationId));
      after = page.next;
    }
    if (records.some((record) => record.status !== 429) || performance.now() > deadline) return records;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Headers for a call whose first request will be refused, with `toldMs` to wait. */
export async function refusedOnce(url) {
  const id = randomUUID();
  const fault = { kind: "status", status: 429, retry_after_ms: toldMs, count: 1 };
  await ask(url, "faults", { ...fault, name: id, correlation_id: id });
  return { "x-ms-client-request-id": id };
}

/** The call came again once, after `toldMs` and before two seconds. */
export async function checkWaited(headers, url) {
  const [first, second] = await journal(headers["x-ms-client-request-id"], url);
  assert.deepEqual([first.status, second?.status], [429, 200]);
  const waited = (second.received_us - first.done_us) / 1000;
  // Node's timers count in whole milliseconds: one may lack.
  assert.ok(toldMs - 1 <= waited && waited < Math.ceil(toldMs / 1000) * 1000, `waited ${waited} ms`);
}

export const correlated = () => ({ "x-ms-client-request-id": randomUUID() });

/** Whether a call was refused by a full deployment; then it came again once only. */
export async function wasRefused(headers, url) {
  const statuses = (await journal(headers["x-ms-client-request-id"], url)).map(({ status }) => status);
  assert.ok(["200", "429,200"].includes(String(statuses)), String(statuses));
  return statuses.length === 2;
}
