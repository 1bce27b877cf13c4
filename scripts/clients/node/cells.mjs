// The matrix: how a client is made (form) and what it talks to. The same cells
// as cells.py has, without its sync clients: JavaScript has none.
import { AzureOpenAI, OpenAI } from "openai";

const apiVersion = "2024-10-21";
function env(name) {
  if (!process.env[name]) throw new Error(`${name} is not set: run scripts/real-clients.sh`);
  return process.env[name];
}
const simulator = env("SIMULATOR_URL");
const openai = env("OPENAI_URL"); // a resource in OpenAI's dress
const capability = env("CAPABILITY_URL");
const passThrough = env("PASS_THROUGH_URL");
const keys = { simulator: env("SIMULATOR_API_KEY"), gateway: env("APIM_KEY_ONE") };

// A client is handed an API key even where the gateway's header carries the
// secret; this one must open nothing.
const placeholderKey = "goes-nowhere";

/** `fetch` that writes down every attempt: times in ms, body, status, headers. */
function traced(attempts) {
  return async (url, init) => {
    const headers = new Headers(init.headers);
    const retryCount = headers.get("x-stainless-retry-count");
    const body = typeof init.body === "string" ? JSON.parse(init.body) : {};
    const attempt = { sent: performance.now(), body, retryCount };
    attempts.push(attempt);
    const response = await fetch(url, init);
    attempt.answered = performance.now();
    attempt.status = response.status;
    attempt.headers = response.headers;
    return response;
  };
}

export class Cell {
  constructor(form, target) {
    Object.assign(this, { form, target, name: `${form}-${target}` });
  }

  url(deployment) {
    if (this.form === "openai") return openai;
    if (this.target === "simulator") return simulator;
    // The capability knows dated paths only, and retries refusals itself.
    return this.form === "v1" || deployment.startsWith("busy-") ? passThrough : capability;
  }

  /** A client and its attempts. */
  connect(deployment, { key = keys[this.target], maxRetries = 0, ...rest } = {}) {
    const attempts = [];
    const options = { maxRetries, fetch: traced(attempts), ...rest };
    return { client: this.client(this.url(deployment), deployment, key, options), attempts };
  }

  client(url, deployment, key, options) {
    if (this.form === "azure") return new AzureOpenAI({ endpoint: url, apiKey: key, apiVersion, ...options });
    if (this.form === "openai") return new OpenAI({ baseURL: `${url}/v1/`, apiKey: key, ...options });
    if (this.form === "v1" && this.target === "simulator") {
      return new OpenAI({ baseURL: `${url}/openai/v1/`, apiKey: key, ...options });
    }
    // The gateway's key, and that of the dated paths, is a header of its own;
    // the SDK adds `Authorization: Bearer` all the same.
    options = { ...options, apiKey: placeholderKey, defaultHeaders: { "api-key": key } };
    if (this.form === "v1") return new OpenAI({ baseURL: `${url}/openai/v1/`, ...options });
    const baseURL = `${url}/openai/deployments/${deployment}`;
    return new OpenAI({ baseURL, defaultQuery: { "api-version": apiVersion }, ...options });
  }
}

export const cells = ["simulator", "gateway"].flatMap((target) =>
  ["azure", "v1", "deployment"].map((form) => new Cell(form, target)),
);

/** Every chunk of a stream. */
export async function collect(stream) {
  const chunks = [];
  for await (const chunk of await stream) chunks.push(chunk);
  return chunks;
}
