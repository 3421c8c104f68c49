import { describe, expect, it } from "vitest";
import { AppClient, chat, completions, errorOf, hello } from "./app-client.ts";

const nested = (depth: number): string => `${'[{"a":'.repeat(depth / 2)}0${"}]".repeat(depth / 2)}`;

/** As JSON, because JSON says more than a JavaScript number does. */
const corpus: readonly string[] = [
  "NaN",
  "Infinity",
  "-1e999",
  "1e999",
  '"NaN"',
  "-1",
  "0",
  "1.5",
  "2147483648",
  "9007199254740992",
  "-9007199254740992",
  "1e308",
  "-1e308",
  "1e-320",
  '""',
  '"\\ud800"',
  JSON.stringify("x".repeat(100_000)),
  "true",
  "[]",
  "[[]]",
  "[null]",
  "{}",
  '{"__proto__": 1}',
  '{"constructor": {"prototype": 1}}',
  nested(50),
  nested(100_000),
  `[${"0,".repeat(20_001)}0]`,
  `[${"{},".repeat(20_001)}{}]`,
  `{${Array.from({ length: 20_001 }, (_, at) => `"k${at}":1`).join(",")}}`,
];

const shared = [
  "model",
  "max_tokens",
  "temperature",
  "top_p",
  "stop",
  "stream",
  "stream_options",
  "seed",
  "presence_penalty",
  "frequency_penalty",
  "logit_bias",
  "logprobs",
  "top_k",
  "min_p",
  "repetition_penalty",
  "ignore_eos",
  "kv_cache",
  "kv_cache.policy",
  "kv_cache.budget",
  "kv_cache.sinks",
  "kv_cache.recent",
  "kv_cache.min_tokens",
  "kv_cache.protect_layers",
  "kv_cache.prefill",
  "kv_cache.decode",
  "kv_cache.alpha_safeguard",
  "kv_cache.__proto__",
  "n",
  "user",
  "surprise",
  "__proto__",
  "constructor",
];
const completionFields = [...shared, "prompt", "best_of", "echo", "suffix"];
const chatFields = [
  ...shared,
  "messages",
  "messages.role",
  "messages.content",
  "messages.name",
  "max_completion_tokens",
  "top_logprobs",
  "tools",
  "tool_choice",
  "response_format",
  "metadata",
  "modalities",
  "store",
];

/** A body in which one field, possibly one within another, has this JSON. */
function bodyWith(field: string, json: string, base: Record<string, unknown>): string {
  const [outer, inner] = field.split(".") as [string, string | undefined];
  const own = inner === undefined ? json : `{"${inner}": ${json}}`;
  const value =
    outer === "messages" && inner !== undefined ? `[{"role": "user", "content": "a", ${own.slice(1)}]` : own;
  const rest = Object.entries(base)
    .filter(([name]) => name !== outer)
    .map(([name, each]) => `, ${JSON.stringify(name)}: ${JSON.stringify(each)}`);
  return `{"${outer}": ${value}${rest.join("")}}`;
}

describe.each([
  ["completions", completions, completionFields, { prompt: "a" }],
  ["chat", chat, chatFields, hello],
] as const)("%s", (_, path, fields, base) => {
  it.each(fields)(
    "answers any %s with 200 or a 4xx that names it, and the next request with 200",
    async (field) => {
      const client = new AppClient();
      for (const json of corpus) {
        const response = await client.post(path, bodyWith(field, json, base));
        const told = `${field} = ${json.slice(0, 40)}`;
        if (response.status === 200) {
          await response.text();
        } else {
          expect([400, 404], told).toContain(response.status);
          const error = await errorOf(response);
          expect(error.message.length, told).toBeLessThan(400);
          if (error.code !== "invalid_json") {
            expect(error.param?.split(/[.[]/)[0], told).toBe(field.split(".")[0]);
          }
        }
      }
      expect((await client.post(path, base)).status).toBe(200);
      expect([client.engine.active, client.app.inFlight.count]).toEqual([0, 0]);
    },
  );

  it("lets only checked values reach the engine", async () => {
    const client = new AppClient();
    for (const field of fields) {
      for (const json of corpus) await (await client.post(path, bodyWith(field, json, base))).text();
    }
    expect(client.engine.requests.length).toBeGreaterThan(20);
    for (const request of client.engine.requests) {
      expect(request.temperature ?? 1).toSatisfy((n: number) => n >= 0 && n <= 2);
      expect(request.topP ?? 1).toSatisfy((n: number) => n > 0 && n <= 1);
      expect(request.maxTokens ?? 1).toSatisfy((n: number) => Number.isInteger(n) && n >= 1 && n <= 1e7);
      expect(request.topK ?? 1).toSatisfy((n: number) => Number.isInteger(n) && n >= 0 && n <= 1e7);
      expect(request.logprobs ?? 0).toSatisfy((n: number) => Number.isInteger(n) && n >= 0 && n <= 20);
      expect(request.kvCache?.budget ?? 1).toSatisfy((n: number) => n > 0 && n <= 1e7);
      expect(Object.values(request)).not.toContain(null);
    }
  });
});

it.each([
  ["NaN", "temperature"],
  ["-1", "max_tokens"],
  ["0", "max_tokens"],
  ["2147483648", "max_tokens"],
  ["9007199254740992", "seed"],
  ["1e308", "temperature"],
  ["1e999", "presence_penalty"],
  ['""', "stop"],
  ["1.5", "kv_cache.budget"],
  ["-1", "kv_cache.sinks"],
  ["20001", "top_p"],
])("refuses %s as %s", async (json, field) => {
  expect((await new AppClient().post(completions, bodyWith(field, json, { prompt: "a" }))).status).toBe(400);
});
