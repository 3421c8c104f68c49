import type { GenerateRequest } from "@kvasir/core";
import { describe, expect, it } from "vitest";
import { chatSchema } from "../src/chat-request.ts";
import { completionSchema } from "../src/completion-request.ts";
import { embeddingSchema } from "../src/embedding-request.ts";
import { detokenizeSchema, tokenizeSchema } from "../src/token-request.ts";
import { AppClient, chat, completions, errorOf, hello } from "./app-client.ts";
import { requestHoles } from "./request-holes.ts";

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

describe.each([
  ["completions", completions, completionSchema, { prompt: "a" }],
  ["chat", chat, chatSchema, hello],
  ["embeddings", "/v1/embeddings", embeddingSchema, { input: "a" }],
  ["tokenize", "/tokenize", tokenizeSchema, { prompt: "a" }],
  ["detokenize", "/detokenize", detokenizeSchema, { tokens: [1] }],
] as const)("%s", (_, path, schema, base) => {
  const holes = requestHoles(schema, base);

  it("has every field of the schema to fill", () => {
    const fields = holes.map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining([...Object.keys(schema.shape), "surprise", "__proto__"]));
  });

  it.each(holes)(
    "answers any $field with 200 or a 4xx that names it, and the next request with 200",
    async ({ field, with: fill }) => {
      const client = new AppClient();
      client.engine.info = { ...client.engine.info, chatTemplate: "{{ tools }} <tool_call>" };
      for (const json of corpus) {
        const response = await client.post(path, fill(json));
        const told = `${field} = ${json.slice(0, 40)}`;
        if (response.status === 200) {
          await response.text();
        } else {
          expect([400, 404], told).toContain(response.status);
          const error = await errorOf(response);
          expect(error.message.length, told).toBeLessThan(400);
          if (error.code !== "invalid_json") {
            expect(error.param?.split(/[.[]/)[0], told).toBe(field.split(/[.[]/)[0]);
          }
        }
      }
      expect((await client.post(path, base)).status).toBe(200);
      expect([client.engine.active, client.app.inFlight.count]).toEqual([0, 0]);
      client.engine.requests.forEach(expectInRange);
    },
  );
});

/** What the engine would refuse is refused before. */
function expectInRange(request: GenerateRequest): void {
  const integer = (low: number, high: number) => (n: number) => Number.isInteger(n) && n >= low && n <= high;
  expect(request.temperature ?? 1).toSatisfy((n: number) => n >= 0 && n <= 2);
  expect(request.topP ?? 1).toSatisfy((n: number) => n > 0 && n <= 1);
  expect(request.maxTokens ?? 1).toSatisfy(integer(1, 1e7));
  expect(request.topK ?? 1).toSatisfy(integer(0, 1e7));
  expect(request.logprobs ?? 0).toSatisfy(integer(0, 20));
  expect(request.priority ?? 0).toSatisfy(integer(-100, 100));
  expect(request.deadline ?? 1).toSatisfy(integer(1, 86_400_000));
  expect(request.retention?.priority ?? 0).toSatisfy(integer(0, 99));
  expect(request.retention?.ttlSeconds ?? 1).toSatisfy(integer(1, 86_400));
  expect(request.kvCache?.budget ?? 1).toSatisfy((n: number) => n > 0 && n <= 1e7);
  expect(request.session ?? "a").toMatch(/^[A-Za-z0-9._-]{1,64}$/);
  expect(request.cacheSalt ?? "a").toSatisfy((salt: string) => salt.length > 0 && salt.length <= 512);
  expect(Object.values(request)).not.toContain(null);
  expect(Object.values(request)).not.toContain(undefined);
}

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
  const hole = requestHoles(completionSchema, { prompt: "a" }).find((each) => each.field === field);
  expect((await new AppClient().post(completions, hole!.with(json))).status).toBe(400);
});
