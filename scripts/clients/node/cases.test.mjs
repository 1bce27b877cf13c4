// The common cases (cases.toml) with the official client for JavaScript: `azure` is
// AzureOpenAI on dated paths; `v1` and `openai` are OpenAI on Azure's v1 surface and on
// a resource in OpenAI's dress.
import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { describe, test } from "node:test";
import OpenAI, { toFile } from "openai";
import { zodResponseFormat, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";
import { Cell, collect } from "./cells.mjs";
import { checkWaited, correlated, provocations, refusedOnce, wasRefused } from "./control.mjs";

const apiVersion = "2025-04-01-preview"; // the first dated ones do not know Responses
const model = "modern";
const prompt = "Tell me of a gateway, in one sentence.";
const messages = [{ role: "user", content: prompt }];
const filtered = [{ role: "user", content: "Describe an act of violence." }];
const input = ["a gateway", "a backend"];

const Weather = z.strictObject({
  city: z.string(),
  celsius: z.number(),
  winds: z.array(z.strictObject({ direction: z.string(), knots: z.int() })),
});
const parameters = {
  type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false,
};
const functions = ["get_weather", "get_time"].map((name) => ({ name, description: `${name} of a city`, parameters }));
const tools = functions.map((one) => ({ type: "function", function: one }));
const responseTools = functions.map((one) => ({ type: "function", strict: true, ...one }));

/** The result of a call, if its name and arguments are right. */
function result({ name, arguments: text }) {
  assert.ok(functions.some((one) => one.name === name), name);
  const { city } = z.strictObject({ city: z.string() }).parse(JSON.parse(text));
  return `${name}: it is fine in ${city}.`;
}

/** A WAV file of a second of silence. */
function sound() {
  const wav = Buffer.alloc(44 + 16000);
  wav.write("RIFF", 0);
  wav.writeUInt32LE(36 + 16000, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20); // PCM
  wav.writeUInt16LE(1, 22); // mono
  wav.writeUInt32LE(8000, 24);
  wav.writeUInt32LE(16000, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write("data", 36);
  wav.writeUInt32LE(16000, 40);
  return toFile(wav, "silence.wav");
}

for (const form of ["azure", "v1", "openai"]) {
  const cell = new Cell(form, "simulator");
  const url = cell.url(model);
  const connect = (options) =>
    cell.connect(model, { ...(form === "azure" && { apiVersion }), ...options }).client;
  const chat = (client, request) => client.chat.completions.create({ model, messages, ...request });
  const respond = (client, request) => client.responses.create({ model, input: prompt, ...request });

  /** A test that is a case, and is written down as such. */
  const check = (name, run) =>
    test(name, async () => {
      let outcome = "fail";
      try {
        await run();
        outcome = "pass";
      } finally {
        const folder = process.env.RESULTS;
        if (folder) appendFileSync(`${folder}/node.tsv`, `npm/${form}\t${name}\t${outcome}\n`);
      }
    });

  /** Asks with tools, sends the results back, and returns the calls. */
  async function answered(request) {
    const [{ message, finish_reason }] = (await chat(connect(), { model: "parallel", tools, ...request })).choices;
    assert.equal(finish_reason, "tool_calls");
    const calls = message.tool_calls;
    const results = calls.map((one) => ({ role: "tool", tool_call_id: one.id, content: result(one.function) }));
    const history = [...messages, message, ...results];
    const told = await chat(connect(), { model: "parallel", tools, messages: history });
    assert.ok(told.choices[0].message.content);
    return calls;
  }

  describe(`npm/${form}`, () => {
    check("chat", async () => {
      const { choices, usage } = await chat(connect(), { max_tokens: 12 });
      assert.ok(choices[0].message.content);
      assert.ok(usage.completion_tokens > 0 && usage.completion_tokens <= 12);
      assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
    });

    check("chat-stream", async () => {
      const options = { stream: true, stream_options: { include_usage: true } };
      const chunks = await collect(chat(connect(), { max_tokens: 12, ...options }));
      const pieces = chunks.flatMap((chunk) => chunk.choices).filter((choice) => choice.delta.content);
      assert.ok(pieces.length > 1);
      assert.equal(pieces.length, chunks.at(-1).usage.completion_tokens);
      assert.equal(chunks.filter((chunk) => chunk.usage).length, 1);
    });

    check("tool-single", async () => {
      assert.equal((await answered({ parallel_tool_calls: false })).length, 1);
    });

    check("tools-parallel", async () => {
      const calls = await answered({});
      assert.ok(calls.length > 1);
      assert.equal(new Set(calls.map((one) => one.id)).size, calls.length);
    });

    check("tool-forced", async () => {
      const tool_choice = { type: "function", function: { name: "get_time" } };
      const [{ message, finish_reason }] = (await chat(connect(), { tools, tool_choice })).choices;
      assert.deepEqual([...new Set(message.tool_calls.map((one) => one.function.name))], ["get_time"]);
      assert.equal(finish_reason, "stop");
    });

    check("tool-stream", async () => {
      // The helper puts fragments together, and complains of any that do not fit.
      const runner = connect().chat.completions.stream({ model: "parallel", messages, tools });
      const { message } = (await runner.finalChatCompletion()).choices[0];
      assert.ok(message.tool_calls.length > 1);
      assert.ok(message.tool_calls.every((one) => result(one.function)));
    });

    check("structured-output", async () => {
      const response_format = zodResponseFormat(Weather, "weather");
      const answer = await connect().chat.completions.parse({ model, messages, response_format });
      Weather.parse(answer.choices[0].message.parsed);
    });

    const vectors = async (encoding_format) => {
      const answer = await connect().embeddings.create({ model: "embedding", input, encoding_format });
      return answer.data.map((vector) => vector.embedding);
    };

    check("embeddings-float", async () => {
      for (const vector of await vectors("float")) {
        assert.equal(vector.length, 1536);
        assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-3);
      }
    });

    check("embeddings-base64", async () => {
      // Without `encoding_format` the client asks for base64 and decodes it.
      const [decoded, exact, raw] = [await vectors(), await vectors("float"), await vectors("base64")];
      assert.ok(raw.every((text) => typeof text === "string"));
      exact.forEach((vector, row) =>
        assert.ok(vector.every((value, i) => Math.abs(value - decoded[row][i]) <= 1e-6 * Math.abs(value))),
      );
    });

    check("responses", async () => {
      const { output_text, usage } = await respond(connect(), { max_output_tokens: 40, instructions: "Be brief." });
      assert.ok(output_text);
      assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens);
    });

    check("responses-stream", async () => {
      const events = await collect(respond(connect(), { stream: true }));
      assert.deepEqual(events.map((event) => event.sequence_number), [...events.keys()]);
      assert.equal(events[0].type, "response.created");
      assert.equal(events.at(-1).type, "response.completed");
      const deltas = events.filter((event) => event.type === "response.output_text.delta");
      const text = deltas.map((event) => event.delta).join("");
      assert.ok(text);
      assert.equal(text, events.at(-1).response.output[0].content[0].text);
    });

    check("responses-retrieve", async () => {
      const client = connect();
      const made = await respond(client);
      assert.equal((await client.responses.retrieve(made.id)).output_text, made.output_text);
      const { data } = await client.responses.inputItems.list(made.id);
      assert.deepEqual(data.map((item) => item.content[0].text), [prompt]);
      await client.responses.delete(made.id);
      await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
    });

    check("responses-previous", async () => {
      const first = await respond(connect());
      const second = await respond(connect(), { input: "And of a backend?", previous_response_id: first.id });
      assert.equal(second.previous_response_id, first.id);
      assert.ok(second.usage.input_tokens > first.usage.total_tokens);
    });

    check("responses-tools", async () => {
      const request = { model: "parallel", tools: responseTools };
      const asked = await respond(connect(), request);
      const calls = asked.output.filter((item) => item.type === "function_call");
      assert.ok(calls.length > 1);
      const outputs = calls.map((one) => ({
        type: "function_call_output", call_id: one.call_id, output: result(one),
      }));
      const told = await respond(connect(), { ...request, input: outputs, previous_response_id: asked.id });
      assert.ok(told.output_text);
    });

    check("responses-structured", async () => {
      const text = { format: zodTextFormat(Weather, "weather") };
      const answer = await connect().responses.parse({ model, input: prompt, text });
      Weather.parse(answer.output_parsed);
    });

    check("images", async () => {
      const request = { model: "image", prompt: "A gateway.", size: "1024x1024", quality: "low" };
      const { data, usage } = await connect().images.generate(request);
      assert.equal(Buffer.from(data[0].b64_json, "base64").toString("latin1", 0, 4), "\x89PNG");
      assert.equal(usage.output_tokens, 272);
    });

    check("transcription", async () => {
      const { transcriptions } = connect().audio;
      const verbose = { model: "whisper", response_format: "verbose_json" };
      const answer = await transcriptions.create({ ...verbose, file: await sound() });
      assert.ok(answer.text);
      assert.equal(Math.round(answer.duration), 1);
      const subtitles = await transcriptions.create({ model: "whisper", file: await sound(), response_format: "srt" });
      assert.match(subtitles, /-->/);
    });

    check("speech", async () => {
      const request = { model: "speech", voice: "alloy", input: prompt, response_format: "wav" };
      const answer = await connect().audio.speech.create(request);
      assert.equal(Buffer.from(await answer.arrayBuffer()).toString("latin1", 0, 4), "RIFF");
    });

    check("models", async () => {
      const { data } = await connect().models.list();
      assert.ok(data.length > 0 && data.every((one) => one.object === "model"));
      assert.equal((await connect().models.retrieve(data[0].id)).id, data[0].id);
    });

    if (form === "openai") {
      check("moderation", async () => {
        const texts = ["I like gateways.", "I will kill you."];
        const { results } = await connect().moderations.create({ model: "omni-moderation-latest", input: texts });
        assert.deepEqual(results.map((one) => one.flagged), [false, true]);
      });
    }

    check("error-401", async () => {
      await assert.rejects(chat(connect({ key: "not-a-key" })), (error) => {
        assert.ok(error instanceof OpenAI.AuthenticationError, `${error}`);
        return error.status === 401;
      });
    });

    check("error-404", async () => {
      await assert.rejects(chat(connect(), { model: "nowhere" }), (error) => {
        assert.ok(error instanceof OpenAI.NotFoundError, `${error}`);
        return error.code === (form === "openai" ? "model_not_found" : "DeploymentNotFound");
      });
    });

    check("error-400", async () => {
      await assert.rejects(chat(connect(), { temperature: -1 }), (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
        return error.param === "temperature" && error.code === "decimal_below_min_value";
      });
    });

    if (form !== "openai") {
      check("error-filter", async () => {
        await assert.rejects(chat(connect(), { messages: filtered }), (error) => {
          assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
          assert.equal(error.code, "content_filter");
          return error.error.innererror.content_filter_result.violence.filtered;
        });
      });
    }

    check("retry-after-ms", async () => {
      const headers = await refusedOnce(url);
      await chat(connect({ defaultHeaders: headers, maxRetries: 2 }));
      await checkWaited(headers, url);
    });

    check("busy", async () => {
      for (let i = 0; i < provocations; i++) {
        const headers = correlated();
        const client = connect({ defaultHeaders: headers, maxRetries: 2 });
        await chat(client, { model: "busy-payg-node-cases", max_tokens: 1 });
        if (await wasRefused(headers, url)) return;
      }
      assert.fail("never refused");
    });
  });
}
