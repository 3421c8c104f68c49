import { EngineError } from "@kvasir/core";
import OpenAI from "openai";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type RunningServer, startServer } from "../src/start-server.ts";
import { FakeEngine } from "./fake-engine.ts";

const messages = [{ role: "user" as const, content: "hello" }];
let engine: FakeEngine;
let server: RunningServer;
let openai: OpenAI;

beforeAll(async () => {
  engine = new FakeEngine();
  server = await startServer(engine, { port: 0, apiKeys: ["key"] });
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: "key", maxRetries: 0 });
});
beforeEach(() => {
  engine.failure = undefined;
  engine.failAt = 0;
  engine.hangAt = undefined;
});
afterAll(async () => await server.stop());

describe("OpenAI's own client", () => {
  it("chats", async () => {
    const answer = await openai.chat.completions.create({ model: "fake", messages });
    expect(answer.choices[0]?.message.content).toBe("Once uponé!");
    expect(answer.usage?.prompt_tokens_details?.cached_tokens).toBe(3);
    expect(answer._request_id).toMatch(/^[\w-]+$/);
  });

  it("chats in a stream with usage", async () => {
    const stream = await openai.chat.completions.create({
      model: "fake",
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("")).toBe("Once uponé!");
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 12 } });
  });

  it("gathers a stream into a message, with log-probabilities", async () => {
    const runner = openai.chat.completions.stream({
      model: "fake",
      messages,
      logprobs: true,
      top_logprobs: 2,
    });
    const final = await runner.finalChatCompletion();
    expect(final.choices[0]).toMatchObject({
      finish_reason: "stop",
      message: { role: "assistant", content: "Once uponé!" },
    });
    expect(final.choices[0]?.logprobs?.content).toHaveLength(5);
  });

  it("sends an answer back as part of the conversation", async () => {
    const first = await openai.chat.completions.create({ model: "fake", messages });
    const next = [...messages, first.choices[0]!.message, ...messages];
    const second = await openai.chat.completions.create({ model: "fake", messages: next });
    expect(second.choices[0]?.finish_reason).toBe("stop");
  });

  it("completes, whole and streamed", async () => {
    const ask = { model: "fake", prompt: "a", logprobs: 2 };
    const whole = await openai.completions.create(ask);
    expect(whole.choices[0]?.logprobs?.tokens).toHaveLength(5);
    let text = "";
    for await (const chunk of await openai.completions.create({ ...ask, stream: true })) {
      text += chunk.choices[0]?.text;
    }
    expect(text).toBe(whole.choices[0]?.text);
  });

  it("lists and retrieves models", async () => {
    const ids = [];
    for await (const model of openai.models.list()) ids.push(model.id);
    expect(ids).toEqual(["fake"]);
    expect((await openai.models.retrieve("fake")).owned_by).toBe("kvasir");
  });

  it("throws its own errors", async () => {
    const chat = (more: object) => openai.chat.completions.create({ model: "fake", messages, ...more });
    await expect(chat({ store: true })).rejects.toMatchObject({
      status: 400,
      param: "store",
      code: "unsupported_parameter",
    });
    await expect(chat({ model: "gpt-4" })).rejects.toBeInstanceOf(OpenAI.NotFoundError);
    await expect(openai.withOptions({ apiKey: "no" }).models.list()).rejects.toBeInstanceOf(
      OpenAI.AuthenticationError,
    );
    engine.failure = new EngineError("overloaded", "the queue is full");
    await expect(chat({})).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    engine.failure = new EngineError("internal", "broken");
    await expect(chat({})).rejects.toBeInstanceOf(OpenAI.InternalServerError);
  });

  it("throws where a stream breaks, after what came before", async () => {
    engine.failure = new EngineError("policy-failed", "kept 0 slots");
    engine.failAt = 1;
    const stream = await openai.chat.completions.create({ model: "fake", messages, stream: true });
    let text = "";
    const reading = async () => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content;
    };
    await expect(reading()).rejects.toMatchObject({ code: "policy_failed", type: "server_error" });
    expect(text).toBe("Once");
  });
});
