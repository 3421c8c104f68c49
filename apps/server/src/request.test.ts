import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, hello } from "../tests/app-client.ts";

/** The engine's request for a body, without its signal and id. */
async function requestFor(path: string, body: object): Promise<object> {
  const client = new AppClient();
  const response = await client.post(path, body);
  expect([await response.clone().text(), response.status]).toEqual([expect.anything(), 200]);
  const { signal, id, ...request } = client.engine.requests[0]!;
  expect(signal).toBeInstanceOf(AbortSignal);
  expect(id).toMatch(/^(cmpl|chatcmpl)-[0-9a-f]{32}$/);
  return request;
}

describe("a request", () => {
  it("has OpenAI's defaults: 16 tokens for completions, what the context leaves for chat", async () => {
    expect(await requestFor(completions, { prompt: "a" })).toEqual({ prompt: "a", maxTokens: 16 });
    expect(await requestFor(chat, hello)).toEqual({ messages: [{ role: "user", content: "hello" }] });
  });

  it("reaches the engine field by field", async () => {
    const common = {
      model: "fake",
      max_tokens: 5,
      temperature: 0,
      top_p: 0.9,
      stop: ["a", "b"],
      seed: -7,
      presence_penalty: -2,
      frequency_penalty: 2,
      logit_bias: { "50": -100, "7": 1.5 },
      top_k: 40,
      min_p: 0.05,
      repetition_penalty: 1.1,
      ignore_eos: true,
      kv_cache: {
        policy: "l2-norm",
        budget: 0.5,
        sinks: 4,
        recent: 32,
        min_tokens: 64,
        protect_layers: [0, -1],
        prefill: "chunk",
        decode: false,
        alpha_safeguard: 0.3,
        pooling: "max",
        weights: [1, 0.5],
        nothing: null,
      },
      user: "me",
      n: 1,
    };
    const expected = {
      maxTokens: 5,
      temperature: 0,
      topP: 0.9,
      stop: ["a", "b"],
      seed: -7,
      presencePenalty: -2,
      frequencyPenalty: 2,
      logitBias: { "50": -100, "7": 1.5 },
      topK: 40,
      minP: 0.05,
      repetitionPenalty: 1.1,
      ignoreEos: true,
      kvCache: {
        policy: "l2-norm",
        budget: 0.5,
        sinks: 4,
        recent: 32,
        minTokens: 64,
        protectLayers: [0, -1],
        prefill: "chunk",
        decode: false,
        alphaSafeguard: 0.3,
        pooling: "max",
        weights: [1, 0.5],
      },
    };
    expect(await requestFor(completions, { ...common, prompt: [1, 2, 3], logprobs: 3 })).toEqual({
      ...expected,
      prompt: [1, 2, 3],
      logprobs: 3,
    });
    expect(await requestFor(chat, { ...common, ...hello, logprobs: true })).toEqual({
      ...expected,
      ...hello,
      logprobs: 0,
    });
  });

  it("takes null for absent, as OpenAI's clients send it", async () => {
    const nulls = Object.fromEntries(
      [
        "max_tokens",
        "temperature",
        "stop",
        "seed",
        "logit_bias",
        "kv_cache",
        "stream_options",
        "n",
        "user",
      ].map((name) => [name, null]),
    );
    expect(await requestFor(completions, { ...nulls, prompt: "a", logprobs: null, echo: null })).toEqual({
      prompt: "a",
      maxTokens: 16,
    });
    expect(await requestFor(chat, { ...nulls, ...hello, tools: null, top_logprobs: null })).toEqual(hello);
  });

  it.each([
    ["a", "a"],
    ["", ""],
    [["a"], "a"],
    [[5], [5]],
    [
      [1, 2],
      [1, 2],
    ],
    [[[1, 2]], [1, 2]],
  ])("takes %j as its prompt", async (prompt, expected) => {
    expect(await requestFor(completions, { prompt })).toEqual({ prompt: expected, maxTokens: 16 });
  });

  it("joins a message's parts, and calls a developer system", async () => {
    const messages = [
      { role: "developer", content: "be brief" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
      { role: "assistant", content: "c", refusal: null, tool_calls: [], parsed: null },
    ];
    expect(await requestFor(chat, { messages })).toEqual({
      messages: [
        { role: "system", content: "be brief" },
        { role: "user", content: "ab" },
        { role: "assistant", content: "c" },
      ],
    });
  });

  it("lets through what asks for nothing special", async () => {
    const harmless = {
      n: 1,
      user: "me",
      tools: [],
      tool_choice: "auto",
      parallel_tool_calls: true,
      response_format: { type: "text" },
      modalities: ["text"],
      service_tier: "auto",
      store: false,
      metadata: { a: "b" },
      prompt_cache_key: "k",
      safety_identifier: "s",
      verbosity: "medium",
    };
    expect(await requestFor(chat, { ...hello, ...harmless })).toEqual(hello);
    expect(await requestFor(completions, { prompt: "a", best_of: 1, echo: false, suffix: "" })).toEqual({
      prompt: "a",
      maxTokens: 16,
    });
  });
});

describe("how a request is served", () => {
  it("reaches the engine field by field", async () => {
    const fields = {
      priority: -5,
      timeout_ms: 1500,
      cache_salt: "team",
      cache_prompt: false,
      retention: { priority: 90, ttl_seconds: 600 },
      session: "chat-7",
      prompt_cache_key: "k",
    };
    const expected = {
      priority: -5,
      deadline: 1500,
      cacheSalt: "team",
      cachePrompt: false,
      retention: { priority: 90, ttlSeconds: 600 },
      session: "chat-7",
    };
    expect(await requestFor(chat, { ...hello, ...fields })).toEqual({ ...hello, ...expected });
    expect(await requestFor(completions, { prompt: "a", max_tokens: 2, ...fields })).toEqual({
      prompt: "a",
      maxTokens: 2,
      ...expected,
    });
    expect(await requestFor(chat, { ...hello, id_slot: 0 })).toMatchObject({ session: "0" });
    expect(await requestFor(chat, { ...hello, id_slot: "left" })).toMatchObject({ session: "left" });
  });

  it("may let a text outgrow the context", async () => {
    const stream = { ...hello, context_overflow: "stream" };
    expect(await requestFor(chat, { ...hello, context_overflow: "error" })).toEqual(hello);
    expect(await requestFor(chat, stream)).toMatchObject({ kvCache: { policy: "streaming-llm" } });
    expect(await requestFor(chat, { ...stream, kv_cache: { budget: 64, debug: true } })).toMatchObject({
      kvCache: { policy: "streaming-llm", budget: 64 },
    });
  });

  it("has variables for the template, and a format for the answer", async () => {
    const schema = { type: "object", properties: { a: { type: "integer" } } };
    const chat_template_kwargs = { enable_thinking: false, depth: [1] };
    expect(await requestFor(chat, { ...hello, chat_template_kwargs })).toEqual({
      ...hello,
      templateVariables: chat_template_kwargs,
    });
    expect(await requestFor(chat, { ...hello, response_format: { type: "json_object" } })).toEqual({
      ...hello,
      format: { type: "json-object" },
    });
    const json_schema = { name: "a", schema, strict: true, description: "one a" };
    expect(
      await requestFor(chat, { ...hello, response_format: { type: "json_schema", json_schema } }),
    ).toEqual({
      ...hello,
      format: { type: "json-schema", schema },
    });
  });
});
