import { EngineError } from "@kvasir/core";
import OpenAI from "openai";
import { expect, it } from "vitest";
import { AppClient, errorOf, jsonOf } from "../tests/app-client.ts";

const embeddings = "/v1/embeddings";

it("has a vector for each input, in order, and counts the tokens", async () => {
  const client = new AppClient();
  const body = await jsonOf<OpenAI.CreateEmbeddingResponse>(client.post(embeddings, { input: ["a", "bc"] }));
  expect(body).toEqual({
    object: "list",
    data: [
      { object: "embedding", index: 0, embedding: [2, 256, 0.5] },
      { object: "embedding", index: 1, embedding: [3, 256, 0.5] },
    ],
    model: "fake",
    usage: { prompt_tokens: 5, total_tokens: 5 },
  });
});

it.each<[unknown, number]>([
  ["a", 1],
  [[5, 6], 1],
  [[[5], [6], [7]], 3],
  [Array(100).fill("a"), 100],
])("takes %j", async (input, count) => {
  const body = await jsonOf<OpenAI.CreateEmbeddingResponse>(new AppClient().post(embeddings, { input }));
  expect(body.data.map(({ index }) => index)).toEqual(Array.from({ length: count }, (_, at) => at));
});

it("is read by OpenAI's client, which asks for base64", async () => {
  const client = new AppClient();
  const fetch = (async (url: string, init: RequestInit) =>
    client.app.hono.request(new URL(url).pathname, init)) as typeof globalThis.fetch;
  const openai = new OpenAI({ apiKey: "none", baseURL: "http://localhost/v1", fetch });
  const { data } = await openai.embeddings.create({ model: "fake", input: [[7, 8]] });
  expect(data[0]?.embedding).toEqual([2, 7, 0.5]);
  const raw = await jsonOf<{ data: { embedding: string }[] }>(
    client.post(embeddings, { input: [7, 8], encoding_format: "base64", dimensions: 3, pooling: "last" }),
  );
  expect(Buffer.from(raw.data[0]!.embedding, "base64").readFloatLE(4)).toBe(7);
});

it.each<[object, string, string]>([
  [{}, "input", "missing_required_parameter"],
  [{ input: [] }, "input", "invalid_value"],
  [{ input: Array(2049).fill("a") }, "input", "invalid_value"],
  [{ input: "a", dimensions: 2 }, "dimensions", "invalid_value"],
  [{ input: "a", pooling: "max" }, "pooling", "invalid_value"],
  [{ input: "a", encoding_format: "hex" }, "encoding_format", "invalid_value"],
  [{ input: "a", temperature: 1 }, "temperature", "unknown_parameter"],
  [{ input: "a".repeat(2000) }, "input", "context_length_exceeded"],
])("refuses %j by name", async (body, param, code) => {
  const client = new AppClient();
  expect(await errorOf(await client.post(embeddings, body))).toMatchObject({ param, code });
  expect(client.app.inFlight.count).toBe(0);
});

it("fails as the engine does", async () => {
  const client = new AppClient();
  client.engine.failure = new EngineError("invalid-request", "prompt: expected at least one token", "prompt");
  expect(await errorOf(await client.post(embeddings, { input: "" }))).toMatchObject({ param: "input" });
});
