// The official openai client for JavaScript, in every cell of the matrix; the
// same checks as test_openai.py.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import OpenAI from "openai";
import { cells, collect } from "./cells.mjs";
import { journal } from "./control.mjs";

const chat = "chat";
const embedding = "embedding";
const messages = [{ role: "user", content: "Tell me of a gateway, in one sentence." }];

// The machine may be busy: a second late is no fault. Early is one, but for the
// millisecond that Node's timers, which count in whole ones, may lack.
const early = 1;
const late = 1000;
// How often to try to be refused. Three calls must fall into about a second;
// only a machine that stands still for that long needs a second try.
const provocations = 10;

function hasCount(usage, most) {
  assert.ok(usage.completion_tokens > 0 && usage.completion_tokens <= most, `${usage.completion_tokens} tokens`);
  assert.ok(usage.prompt_tokens > 0);
  assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

/** What a call was rejected with; an error of class `kind`. */
async function rejection(kind, call) {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof kind, `${kind.name} expected: ${error}`);
    return error;
  }
  return assert.fail(`${kind.name} expected, but the call succeeded`);
}

for (const cell of cells) {
  describe(cell.name, () => {
    test("chat", async () => {
      const { client } = cell.connect(chat);
      const answer = await client.chat.completions.create({ model: chat, messages, max_tokens: 12 });
      assert.equal(answer.object, "chat.completion");
      assert.ok(answer.choices[0].message.content);
      assert.ok(["stop", "length"].includes(answer.choices[0].finish_reason));
      hasCount(answer.usage, 12);
    });

    test("chat stream", async () => {
      const { client } = cell.connect(chat);
      const chunks = await collect(
        client.chat.completions.create({
          model: chat, messages, max_tokens: 12, stream: true, stream_options: { include_usage: true },
        }),
      );
      const choices = chunks.flatMap((chunk) => chunk.choices);
      const finish = choices.map((choice) => choice.finish_reason).filter(Boolean);
      assert.equal(finish.length, 1);
      assert.ok(["stop", "length"].includes(finish[0]));
      // Usage comes once, in the last chunk, which has no choices.
      assert.equal(chunks.filter((chunk) => chunk.usage).length, 1);
      const { usage, choices: none } = chunks.at(-1);
      assert.deepEqual(none, []);
      hasCount(usage, 12);
      // A chunk is a token.
      const pieces = choices.filter((choice) => choice.delta.content);
      assert.ok(pieces.length > 1);
      assert.equal(pieces.length, usage.completion_tokens);
    });

    test("chat stream without usage", async () => {
      const { client } = cell.connect(chat);
      const chunks = await collect(
        client.chat.completions.create({ model: chat, messages, max_tokens: 4, stream: true }),
      );
      assert.ok(chunks.length > 1);
      assert.ok(chunks.every((chunk) => !chunk.usage));
    });

    test("completion", async () => {
      const { client } = cell.connect(chat);
      const answer = await client.completions.create({ model: chat, prompt: "Once upon a time", max_tokens: 8 });
      assert.equal(answer.object, "text_completion");
      assert.ok(answer.choices[0].text);
      hasCount(answer.usage, 8);
    });

    test("completion stream", async () => {
      const { client } = cell.connect(chat);
      const chunks = await collect(
        client.completions.create({
          model: chat, prompt: "Once upon a time", max_tokens: 8, stream: true, stream_options: { include_usage: true },
        }),
      );
      const choices = chunks.flatMap((chunk) => chunk.choices);
      const finish = choices.map((choice) => choice.finish_reason).filter(Boolean);
      assert.equal(finish.length, 1);
      assert.ok(["stop", "length"].includes(finish[0]));
      const pieces = choices.filter((choice) => choice.text);
      assert.ok(pieces.length > 1);
      hasCount(chunks.at(-1).usage, 8);
      assert.equal(pieces.length, chunks.at(-1).usage.completion_tokens);
    });

    test("embeddings", async () => {
      const { client, attempts } = cell.connect(embedding);
      const input = ["a gateway", "a backend"];
      const decoded = await client.embeddings.create({ model: embedding, input });
      const plain = await client.embeddings.create({ model: embedding, input, encoding_format: "float" });
      assert.deepEqual(attempts.map((attempt) => attempt.body.encoding_format), ["base64", "float"]);
      assert.deepEqual(plain.data.map((vector) => vector.index), [0, 1]);
      plain.data.forEach(({ embedding: exact }, index) => {
        const vector = decoded.data[index].embedding;
        assert.equal(vector.length, 1536);
        assert.equal(exact.length, 1536);
        // 32-bit floats against decimal text.
        assert.ok(exact.every((value, i) => Math.abs(value - vector[i]) <= 1e-6 * Math.abs(value)));
        assert.ok(Math.abs(Math.hypot(...exact) - 1) < 1e-3);
      });
      assert.notDeepEqual(plain.data[0].embedding, plain.data[1].embedding);
      assert.ok(decoded.usage.prompt_tokens > 0);
      assert.equal(decoded.usage.total_tokens, decoded.usage.prompt_tokens);
    });

    test("wrong key: 401", async () => {
      const { client, attempts } = cell.connect(chat, { key: "not-a-key", maxRetries: 2 });
      const error = await rejection(
        OpenAI.AuthenticationError,
        client.chat.completions.create({ model: chat, messages }),
      );
      assert.equal(error.status, 401);
      // The other bodies, without `error`, do not get into the exception.
      if (cell.target === "simulator" && cell.form !== "v1") {
        assert.match(error.message, /Access denied due to invalid subscription key/);
        assert.equal(error.code, "401");
      }
      assert.equal(attempts.length, 1, "401 is not retried");
    });

    test("unknown deployment: 404", async () => {
      const { client, attempts } = cell.connect("no-such-deployment", { maxRetries: 2 });
      const error = await rejection(
        OpenAI.NotFoundError,
        client.chat.completions.create({ model: "no-such-deployment", messages }),
      );
      assert.equal(error.code, "DeploymentNotFound");
      assert.equal(attempts.length, 1, "404 is not retried");
    });

    test("bad parameter: 400", async () => {
      const { client } = cell.connect(chat);
      const error = await rejection(
        OpenAI.BadRequestError,
        client.chat.completions.create({ model: chat, messages, temperature: -1 }),
      );
      assert.equal(error.param, "temperature");
      assert.equal(error.code, "decimal_below_min_value");
    });

    for (const capacity of ["ptu", "payg"]) {
      test(`429 of ${capacity}: raised, or waited out`, async () => {
        const model = `busy-${capacity}-node`;
        const ask = ({ client }, max_tokens, options) =>
          client.chat.completions.create({ model, messages, max_tokens }, options);
        const correlationId = randomUUID();
        let raised, impatient, patient, answer;
        for (let i = 0; i < provocations && patient?.attempts[0].status !== 429; i++) {
          await ask(cell.connect(model, { maxRetries: 9 }), 16);
          impatient = cell.connect(model, { maxRetries: 0 });
          raised = await ask(impatient, 1).then(() => undefined, (error) => error);
          if (!raised) continue;
          patient = cell.connect(model, { maxRetries: 2 });
          answer = await ask(patient, 1, { headers: { "x-ms-client-request-id": `${correlationId}-${i}` } });
          patient.correlationId = `${correlationId}-${i}`;
        }
        assert.equal(patient?.attempts[0].status, 429, `${provocations} times not refused`);

        assert.ok(raised instanceof OpenAI.RateLimitError, `${raised}`);
        assert.equal(impatient.attempts.length, 1);
        assert.deepEqual([raised.status, raised.code], [429, "429"]);
        assert.match(raised.message, /retry after/i);
        assert.ok(Number(raised.headers.get("retry-after-ms")) > 0);
        assert.ok(Number(raised.headers.get("retry-after")) > 0);
        if (capacity === "ptu") {
          assert.ok(parseFloat(raised.headers.get("azure-openai-deployment-utilization")) >= 100);
        } else {
          assert.equal(raised.headers.get("x-ratelimit-remaining-requests"), "0");
        }

        assert.ok(answer.choices.length);
        assert.deepEqual(
          patient.attempts.map(({ status, retryCount }) => [status, retryCount]),
          [[429, "0"], [200, "1"]],
        );
        const [first, second] = patient.attempts;
        const told = Number(first.headers.get("retry-after-ms"));
        assert.equal(Number(first.headers.get("retry-after")), Math.max(1, Math.ceil(told / 1000)));
        const waited = second.sent - first.answered;
        assert.ok(told - early <= waited && waited <= told + late, `told ${told} ms, waited ${waited} ms`);
        const records = await journal(patient.correlationId);
        assert.deepEqual(records.map((record) => record.status), [429, 200]);
      });
    }
  });
}
