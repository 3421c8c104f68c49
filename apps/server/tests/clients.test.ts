import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../src/start-server.ts";
import { FakeEngine } from "./fake-engine.ts";
import { streamedAnswer, wholeAnswer } from "./openai-answer.ts";

const messages = [{ role: "user" as const, content: "Weather in Oslo?" }];
const parameters = {
  type: "object" as const,
  properties: { city: { type: "string" as const } },
  required: ["city"],
};
const tools = [{ type: "function" as const, function: { name: "weather", parameters } }];
const schema = {
  type: "object" as const,
  properties: { ok: { type: "boolean" as const } },
  required: ["ok"],
};

/** What the engine says, and what a client makes of it. */
const kinds = [
  { kind: "words", says: "Rain 🌧 today.", more: {}, content: "Rain 🌧 today.", calls: [], finish: "stop" },
  {
    kind: "a call under auto",
    says: 'Look: <tool_call>{"name": "weather", "arguments": {"city": "Øslo"}}</tool_call>',
    more: { tools },
    content: "Look:",
    calls: [{ name: "weather", arguments: '{"city": "Øslo"}' }],
    finish: "tool_calls",
  },
  {
    kind: "calls that must be",
    says: '[{"name": "weather", "arguments": {"city": "A"}}, {"name": "weather", "arguments": {"city": "B"}}]',
    more: { tools, tool_choice: "required" as const },
    content: "",
    calls: ["A", "B"].map((city) => ({ name: "weather", arguments: `{"city": "${city}"}` })),
    finish: "tool_calls",
  },
  {
    kind: "JSON by a schema",
    says: '{"ok": true}',
    more: { response_format: { type: "json_schema" as const, json_schema: { name: "it", schema } } },
    content: '{"ok": true}',
    calls: [],
    finish: "stop",
  },
];

let engine: FakeEngine;
let server: RunningServer;
let openai: OpenAI;

beforeAll(async () => {
  engine = new FakeEngine();
  engine.info = { ...engine.info, chatTemplate: "{{ tools }} <tool_call>" };
  server = await startServer(engine, { port: 0 });
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => await server.stop());

describe.each(kinds)("OpenAI's client reads $kind", ({ says, more, content, calls, finish }) => {
  const table = [undefined, 0, 3].flatMap((logprobs) =>
    [1, 3].flatMap((n) =>
      [undefined, ["\n\n"]].flatMap((stop) => [undefined, 7].map((seed) => ({ logprobs, n, stop, seed }))),
    ),
  );

  it.each(table)(
    "whole and streamed, with $logprobs log-probabilities, $n choices, stop $stop, seed $seed",
    async (row) => {
      engine.say(says);
      const body = {
        model: "fake",
        messages,
        ...more,
        n: row.n,
        ...(row.stop ? { stop: row.stop } : {}),
        ...(row.seed === undefined ? {} : { seed: row.seed }),
        ...(row.logprobs === undefined ? {} : { logprobs: true, top_logprobs: row.logprobs }),
      };
      const whole = await wholeAnswer(openai, body);
      expect(whole.choices).toHaveLength(row.n);
      for (const choice of whole.choices) {
        expect(choice).toMatchObject({ content, calls, finish });
        const tops = choice.logprobs?.map(({ top_logprobs }) => top_logprobs.length);
        expect(tops).toEqual(
          row.logprobs === undefined ? undefined : engine.tokens.map(() => Math.min(row.logprobs!, 2)),
        );
      }
      expect(await streamedAnswer(openai, body, true)).toEqual(whole);
      expect(await streamedAnswer(openai, body, false)).toEqual({ ...whole, usage: undefined });
    },
  );
});

describe("the Vercel AI SDK", () => {
  const model = () =>
    createOpenAICompatible({
      name: "kvasir",
      baseURL: `${server.url}/v1`,
      includeUsage: true,
      supportsStructuredOutputs: true,
    }).chatModel("fake");
  const weather = (execute: (city: string) => string) => ({
    weather: tool({
      inputSchema: jsonSchema<{ city: string }>(parameters),
      execute: ({ city }) => execute(city),
    }),
  });

  it("has text, whole and streamed, with what it used", async () => {
    engine.say("Rain 🌧 today.");
    const ask = { prompt: "Weather?", seed: 7, stopSequences: ["\n\n"], maxOutputTokens: 50 };
    const whole = await generateText({ model: model(), ...ask });
    expect(whole).toMatchObject({ text: "Rain 🌧 today.", finishReason: "stop", usage: { inputTokens: 7 } });
    const stream = streamText({ model: model(), ...ask });
    let text = "";
    for await (const part of stream.textStream) text += part;
    expect(text).toBe(whole.text);
    expect(await stream.usage).toMatchObject({ inputTokens: 7, outputTokens: whole.usage.outputTokens });
    expect(engine.requests.at(-1)).toMatchObject({ seed: 7, stop: ["\n\n"], maxTokens: 50 });
  });

  it.each([false, true])("calls tools and sends back what they say (stream: %s)", async (streamed) => {
    engine.say('<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>');
    const asked: string[] = [];
    const ask = {
      model: model(),
      prompt: "Weather?",
      stopWhen: stepCountIs(2),
      tools: weather((city) => {
        asked.push(city);
        engine.say("It rains.");
        return "rain";
      }),
    };
    const text = streamed ? await streamText(ask).text : (await generateText(ask)).text;
    expect([asked, text]).toEqual([["Oslo"], "It rains."]);
    expect(engine.requests.at(-1)?.messages).toMatchObject([
      { role: "user" },
      { role: "assistant", tool_calls: [{ function: { name: "weather", arguments: { city: "Oslo" } } }] },
      { role: "tool", content: "rain" },
    ]);
  });

  it.each(["required", { type: "tool", toolName: "weather" }] as const)(
    "makes the model call one (%j)",
    async (toolChoice) => {
      engine.say('{"name": "weather", "arguments": {"city": "Oslo"}}');
      const { toolCalls } = await generateText({
        model: model(),
        prompt: "Weather?",
        tools: weather(() => "rain"),
        toolChoice,
      });
      expect(toolCalls).toMatchObject([{ toolName: "weather", input: { city: "Oslo" } }]);
      expect(engine.requests.at(-1)?.format?.type).toBe("json-schema");
    },
  );

  it("has objects that follow a schema", async () => {
    engine.say('{"ok": true}');
    const output = Output.object({ schema: jsonSchema<{ ok: boolean }>(schema) });
    const whole = await generateText({ model: model(), prompt: "Well?", output });
    expect(whole.output).toEqual({ ok: true });
    expect(await streamText({ model: model(), prompt: "Well?", output }).output).toEqual({ ok: true });
    expect(engine.requests.at(-1)?.format).toEqual({ type: "json-schema", schema });
  });
});
