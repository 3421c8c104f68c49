import { EngineError, type EngineErrorCode } from "@kvasir/core";
import { createPolicy, type PolicyError, type PolicyOptions, SIGNALS } from "@kvasir/kv-policies";
import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, dataLines, errorOf, hello } from "../tests/app-client.ts";

const cases: readonly [EngineErrorCode, number, string, string][] = [
  ["invalid-request", 400, "invalid_value", "invalid_request_error"],
  ["invalid-options", 400, "invalid_value", "invalid_request_error"],
  ["context-length-exceeded", 400, "context_length_exceeded", "invalid_request_error"],
  ["out-of-pages", 400, "out_of_pages", "invalid_request_error"],
  ["overloaded", 429, "overloaded", "rate_limit_error"],
  ["policy-failed", 500, "policy_failed", "server_error"],
  ["disposed", 503, "shutting_down", "server_error"],
  ["internal", 500, "internal_error", "server_error"],
];

/** What the engine throws where a policy refuses its options. */
function engineError(policy: string, options: PolicyOptions): EngineError {
  try {
    createPolicy(policy, options, { layers: 4, heads: 2, pageTokens: 16, signals: SIGNALS });
  } catch (error) {
    const { field, message } = error as PolicyError;
    const param = `kvCache.${field}`;
    return new EngineError("invalid-request", `${param}: ${message}`, param, { cause: error });
  }
  throw new Error("it was not refused");
}

describe.each([false, true])("with stream: %s, what the engine refuses", (stream) => {
  it.each(cases)("%s is %i %s", async (code, status, apiCode, type) => {
    const client = new AppClient();
    client.engine.failure = new EngineError(code, "600 tokens, 512 allowed");
    const response = await client.post(chat, { ...hello, stream });
    expect(response.status).toBe(status);
    expect(response.headers.get("retry-after")).toBe(status === 429 || status === 503 ? "1" : null);
    const error = await errorOf(response);
    expect(error).toMatchObject({ code: apiCode, type, param: null });
    if (code !== "internal" && code !== "disposed") expect(error.message).toBe("600 tokens, 512 allowed");
    expect([client.engine.active, client.app.inFlight.count]).toEqual([0, 0]);
  });
});

describe("an error of the engine", () => {
  it.each([
    ["maxTokens", completions, { prompt: "a" }, "max_tokens"],
    ["maxTokens", chat, hello, "max_tokens"],
    ["maxTokens", chat, { ...hello, max_completion_tokens: 2 }, "max_completion_tokens"],
    ["logprobs", chat, { ...hello, logprobs: true }, "top_logprobs"],
    ["logprobs", completions, { prompt: "a" }, "logprobs"],
    ["kvCache.budget", chat, hello, "kv_cache.budget"],
    ["kvCache.minTokens", chat, hello, "kv_cache.min_tokens"],
    ["messages", chat, hello, "messages"],
  ])("about %s on %s names the JSON's field", async (param, path, body, expected) => {
    const client = new AppClient();
    client.engine.failure = new EngineError("invalid-request", `${param}: wrong, not "myPolicy"`, param);
    expect(await errorOf(await client.post(path, body))).toMatchObject({
      param: expected,
      message: `${expected}: wrong, not "myPolicy"`,
    });
  });

  it("about a policy's option names it and all others as the JSON has them, and no signal, name or value otherwise", async () => {
    const client = new AppClient();
    for (const [policy, options, param, message] of [
      [
        "adaptive+h2o",
        { alphaSafeguard: 3 },
        "kv_cache.alpha_safeguard",
        /: alpha_safeguard: expected .* 0\.\.1/,
      ],
      ["snapkv", { pooling: "myPool" }, "kv_cache.pooling", /received "myPool"/],
      [
        "h2o",
        { gain2: 3 },
        "kv_cache.gain2",
        /option "gain2" is unknown; it takes .*min_tokens, .*recent_share/,
      ],
      ["h2o", { myGain: 3 }, "kv_cache.my_gain", /option "my_gain" is unknown/],
    ] as const) {
      client.engine.failure = engineError(policy, options);
      const error = await errorOf(await client.post(chat, hello));
      expect(error).toMatchObject({ param, message: expect.stringMatching(message) });
      expect(error.code).toBe(/unknown/.test(error.message) ? "unknown_parameter" : "invalid_value");
    }
  });

  it("that nobody foresaw does not show its message", async () => {
    const client = new AppClient();
    client.engine.failure = new Error("/secret/path");
    const response = await client.post(chat, hello);
    expect(response.status).toBe(500);
    expect(JSON.stringify(await errorOf(response))).not.toContain("secret");
  });

  it("in the middle of a stream is an event, and the stream ends without [DONE]", async () => {
    const client = new AppClient();
    client.engine.failure = new EngineError("policy-failed", "kept 0 slots");
    client.engine.failAt = 2;
    const response = await client.post(chat, { ...hello, stream: true });
    expect(response.status).toBe(200);
    const lines = await dataLines(response);
    expect(lines).toHaveLength(4);
    expect(JSON.parse(lines.at(-1)!)).toEqual({
      error: { message: "kept 0 slots", type: "server_error", param: null, code: "policy_failed" },
    });
    expect([client.engine.active, client.app.inFlight.count]).toEqual([0, 0]);
  });

  it("after which the next request works", async () => {
    const client = new AppClient();
    client.engine.failure = new EngineError("internal", "broken");
    expect((await client.post(chat, hello)).status).toBe(500);
    client.engine.failure = undefined;
    expect((await client.post(chat, hello)).status).toBe(200);
  });
});

describe("a full queue", () => {
  it("is a 429 before the body is read", async () => {
    const client = new AppClient({ maxWaiting: 2 });
    client.engine.busy = { waiting: 2 };
    const response = await client.post(chat, "not even JSON");
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await errorOf(response)).toMatchObject({ code: "overloaded", type: "rate_limit_error" });
    client.engine.busy = { waiting: 1 };
    expect((await client.post(chat, hello)).status).toBe(200);
  });
});
