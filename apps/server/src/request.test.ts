import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, errorOf, hello } from "../tests/app-client.ts";

/** The engine's request for a body, without its signal. */
async function requestFor(path: string, body: object): Promise<object> {
  const client = new AppClient();
  const response = await client.post(path, body);
  expect([await response.clone().text(), response.status]).toEqual([expect.anything(), 200]);
  const { signal, ...request } = client.engine.requests[0]!;
  expect(signal).toBeInstanceOf(AbortSignal);
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

describe("a refusal", () => {
  const tool = { type: "function", function: { name: "f" } };
  it.each<[string, object, string, string]>([
    [completions, { prompt: "a", best_of: 3 }, "best_of", "unsupported_parameter"],
    [completions, { prompt: "a", suffix: "b" }, "suffix", "unsupported_parameter"],
    [completions, { prompt: "a", tools: [] }, "tools", "unknown_parameter"],
    [completions, { prompt: "a", messages: [] }, "messages", "unknown_parameter"],
    [completions, { prompt: "a", n_predict: 5 }, "n_predict", "unknown_parameter"],
    [completions, {}, "prompt", "missing_required_parameter"],
    [completions, { prompt: [] }, "prompt", "invalid_value"],
    [completions, { prompt: [1, -1] }, "prompt", "invalid_value"],
    [completions, { prompt: [1, "a"] }, "prompt", "invalid_value"],
    [completions, { prompt: "a", logprobs: 21 }, "logprobs", "invalid_value"],
    [completions, { prompt: "a", logprobs: true }, "logprobs", "invalid_value"],
    [completions, { prompt: "a", stop: Array(17).fill("a") }, "stop", "invalid_value"],
    [completions, { prompt: "a", logit_bias: { hello: 1 } }, "logit_bias", "invalid_value"],
    [completions, { prompt: "a", logit_bias: { 5: 101 } }, "logit_bias.5", "invalid_value"],
    [
      completions,
      JSON.parse('{"prompt": "a", "logit_bias": {"__proto__": 1}}'),
      "logit_bias",
      "invalid_value",
    ],
    [completions, { prompt: "a", kv_cache: { minTokens: 1 } }, "kv_cache.minTokens", "unknown_parameter"],
    [completions, { prompt: "a", kv_cache: { "a.b": 1 } }, "kv_cache.a.b", "unknown_parameter"],
    [
      completions,
      JSON.parse('{"prompt": "a", "kv_cache": {"__proto__": 1}}'),
      "kv_cache.__proto__",
      "unknown_parameter",
    ],
    [completions, { prompt: "a", kv_cache: { seed: {} } }, "kv_cache.seed", "invalid_value"],
    [completions, { prompt: "a", kv_cache: { seed: [1, "a"] } }, "kv_cache.seed", "invalid_value"],
    [
      completions,
      { prompt: "a", kv_cache: { pooling: "a".repeat(65) } },
      "kv_cache.pooling",
      "invalid_value",
    ],
    [completions, { prompt: "a", kv_cache: { prefill: "never" } }, "kv_cache.prefill", "invalid_value"],
    [completions, { prompt: "a", kv_cache: { decode: 0 } }, "kv_cache.decode", "invalid_value"],
    [completions, { prompt: "a", kv_cache: { budget: 0 } }, "kv_cache.budget", "invalid_value"],
    [completions, { prompt: "a", stream_options: {} }, "stream_options", "invalid_value"],
    [chat, { ...hello, prompt: "a" }, "prompt", "unknown_parameter"],
    [chat, { ...hello, tools: [tool] }, "tools", "unsupported_parameter"],
    [chat, { ...hello, logprobs: 5 }, "logprobs", "invalid_value"],
    [chat, { ...hello, top_logprobs: 5 }, "top_logprobs", "invalid_value"],
    [chat, { ...hello, logprobs: true, top_logprobs: 21 }, "top_logprobs", "invalid_value"],
    [chat, { ...hello, max_tokens: 1, max_completion_tokens: 2 }, "max_tokens", "invalid_value"],
    [chat, { ...hello, store: true }, "store", "unsupported_parameter"],
    [chat, {}, "messages", "missing_required_parameter"],
    [chat, { messages: [] }, "messages", "invalid_value"],
    [chat, { messages: [{ role: "user" }] }, "messages[0].content", "missing_required_parameter"],
    [
      chat,
      { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "a" } }] }] },
      "messages[0].content",
      "invalid_value",
    ],
    [
      chat,
      { messages: [{ role: "user", content: "a", name: "Bo" }] },
      "messages[0].name",
      "unsupported_parameter",
    ],
  ])("of %s %j names %s", async (path, body, param, code) => {
    const response = await new AppClient().post(path, body);
    expect(response.status).toBe(400);
    const error = await errorOf(response);
    expect(error).toMatchObject({ param, code, type: "invalid_request_error" });
    expect(error.message).toContain(param);
  });

  it("of an option in camelCase says how it is written here", async () => {
    const kv_cache = { policy: "adaptive+h2o", alphaSafeguard: 0.2 };
    const response = await new AppClient().post(completions, { prompt: "a", kv_cache });
    expect((await errorOf(response)).message).toContain("did you mean kv_cache.alpha_safeguard?");
  });

  it("of more values than any request needs comes before they are checked, token ids apart", async () => {
    const client = new AppClient();
    const messages = Array.from({ length: 10_000 }, () => ({ role: 1, content: 2 }));
    expect(await errorOf(await client.post(chat, { messages }))).toMatchObject({
      param: "messages",
      message: "messages: the request has more than 20000 values up to here",
    });
    expect((await client.post(completions, { prompt: new Array(30_000).fill(1) })).status).toBe(200);
  });

  it("says what was expected and what was received", async () => {
    const message = async (path: string, body: object) =>
      (await errorOf(await new AppClient().post(path, body))).message;
    expect(await message(completions, { prompt: "a", temperature: 3 })).toBe(
      "temperature: expected a number from 0 to 2, received 3",
    );
    expect(await message(completions, { prompt: "a", top_p: 0 })).toBe(
      "top_p: expected a number above 0 and up to 1, received 0",
    );
    expect(await message(completions, { prompt: "a", seed: "7" })).toMatch(
      /an integer from .*, received "7"$/,
    );
    expect(await message(completions, { prompt: "a", repeat_penalty: 2 })).toBe(
      "repeat_penalty: unknown field; did you mean repetition_penalty?",
    );
    expect(await message(completions, { prompt: "\ud800" })).toBe(
      'prompt: expected text without unpaired surrogates, received "\\ud800"',
    );
  });
});
