import { expect, test } from "vitest";
import { Engine } from "../src/index.ts";
import { tiny, tinyLckv } from "./checkpoints.ts";

test.each([
  // KV layers x KV heads x (key and value of 32 elements + position and key norm of 4 bytes each)
  ["tiny", tiny, "f32", 8, 8 * 4 * (2 * 32 * 4 + 8)],
  ["tiny", tiny, "f16", 8, 8 * 4 * (2 * 32 * 2 + 8)],
  ["tiny-lckv", tinyLckv, "f32", 3, 3 * 4 * (2 * 32 * 4 + 8)],
  ["tiny-lckv", tinyLckv, "f16", 3, 3 * 4 * (2 * 32 * 2 + 8)],
] as const)("%s in %s pages has %d KV layers for 8 layers and takes %d bytes a token", async (...row) => {
  const [, model, dtype, kvLayers, bytesPerToken] = row;
  await using engine = await Engine.load({ model, kvCache: { dtype, memory: "16MiB" } });
  const { info } = engine;
  expect(info).toMatchObject({ layers: 8, kvLayers, bytesPerToken });
  expect(info.tokenCapacity).toBe(Math.floor(info.pages / (kvLayers * 4)) * 16);
  expect(info.kvBytes).toBe(info.pages * 16 * (bytesPerToken / (kvLayers * 4)));
  expect(info.fullRequests).toBe(info.tokenCapacity / 1024);
});

test.each([
  ["tiny", tiny, {}, 2016],
  ["tiny", tiny, { policy: "l2-norm", budget: 0.25 }, 888],
  ["tiny-lckv", tinyLckv, {}, 756],
  ["tiny-lckv", tinyLckv, { policy: "streaming-llm", budget: 128 }, 108],
] as const)("the README's pages after a prompt of 1,000 tokens: %s%s with %o holds %d", async (...row) => {
  const [, model, policy, pages] = row;
  await using engine = await Engine.load({ model, kvCache: { memory: "32MiB", ...policy } });
  const prompt = Array.from({ length: 1000 }, (_, i) => 5 + ((i * 37) % 4000));
  const stream = engine.generate({ prompt, maxTokens: 8, ignoreEos: true })[Symbol.asyncIterator]();
  await stream.next();
  await stream.next();
  expect(engine.stats().usedPages).toBe(pages);
  await stream.return?.();
});
