import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, errorOf, hello } from "../tests/app-client.ts";

describe("a refusal", () => {
  const retention = { priority: 1, ttl_seconds: 1 };
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
    [completions, { prompt: "a", n: 129 }, "n", "invalid_value"],
    [completions, { prompt: Array(65).fill("a"), n: 2 }, "n", "invalid_value"],
    [completions, { prompt: Array(129).fill("a") }, "prompt", "invalid_value"],
    [completions, { prompt: ["a", [1]] }, "prompt", "invalid_value"],
    [completions, { prompt: "a", n: 2, best_of: 3 }, "best_of", "unsupported_parameter"],
    [completions, { prompt: "a", max_tokens: 0 }, "max_tokens", "invalid_value"],
    [completions, { prompt: "a".repeat(1537) }, "prompt", "context_length_exceeded"],
    [completions, { prompt: "a", n: 2, session: "a" }, "session", "invalid_value"],
    [completions, { prompt: "a", n: 2, id_slot: 0 }, "id_slot", "invalid_value"],
    [completions, { prompt: "a", session: "a", id_slot: 0 }, "id_slot", "invalid_value"],
    [completions, { prompt: "a", session: "../a" }, "session", "invalid_value"],
    [completions, { prompt: "a", id_slot: -1 }, "id_slot", "invalid_value"],
    [completions, { prompt: "a", timeout_ms: 0 }, "timeout_ms", "invalid_value"],
    [completions, { prompt: "a", priority: 101 }, "priority", "invalid_value"],
    [completions, { prompt: "a", cache_salt: "" }, "cache_salt", "invalid_value"],
    [
      completions,
      { prompt: "a", retention: { priority: 1 } },
      "retention.ttl_seconds",
      "missing_required_parameter",
    ],
    [
      completions,
      { prompt: "a", retention: { ...retention, priority: 100 } },
      "retention.priority",
      "invalid_value",
    ],
    [
      completions,
      { prompt: "a", retention: { ...retention, pin: true } },
      "retention.pin",
      "unknown_parameter",
    ],
    [completions, { prompt: "a", context_overflow: "shift" }, "context_overflow", "invalid_value"],
    [
      completions,
      { prompt: "a", context_overflow: "stream", kv_cache: { policy: "h2o" } },
      "context_overflow",
      "invalid_value",
    ],
    [
      chat,
      { messages: [{ role: "user", content: "a".repeat(1537) }] },
      "messages",
      "context_length_exceeded",
    ],
    [chat, { ...hello, chat_template_kwargs: { tools: [] } }, "chat_template_kwargs", "invalid_value"],
    [chat, { ...hello, chat_template_kwargs: [] }, "chat_template_kwargs", "invalid_value"],
    [chat, { ...hello, response_format: "json" }, "response_format", "invalid_value"],
    [chat, { ...hello, response_format: { type: "xml" } }, "response_format.type", "invalid_value"],
    [
      chat,
      { ...hello, response_format: { type: "json_schema" } },
      "response_format.json_schema",
      "missing_required_parameter",
    ],
    [
      chat,
      { ...hello, response_format: { type: "json_schema", json_schema: { name: "a b", schema: {} } } },
      "response_format.json_schema.name",
      "invalid_value",
    ],
    [
      chat,
      { ...hello, response_format: { type: "json_schema", json_schema: { name: "a", schema: 1 } } },
      "response_format.json_schema.schema",
      "invalid_value",
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
