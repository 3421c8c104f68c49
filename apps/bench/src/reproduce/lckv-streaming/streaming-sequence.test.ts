import { type Device, openDevice } from "@kvasir/kernels";
import type { Model } from "@kvasir/runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KvMemory, pageTokens } from "../kv-memory.ts";
import { lckvMap } from "../layer-maps.ts";
import { randomModel } from "../random-model.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { StreamingSequence } from "./streaming-sequence.ts";

const shape: ReproduceShape = {
  name: "test",
  layers: 5,
  hidden: 64,
  intermediate: 96,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  vocab: 320,
};

let device: Device;
let model: Model;
let kv: KvMemory;
beforeAll(async () => {
  device = openDevice({ onWarning: () => {} });
  model = await randomModel({ shape, layerMap: lckvMap(5, 2), dtype: "bf16", device, seed: 3 });
  kv = new KvMemory({ device, bytes: 64 * 1024, headDim: 16, dtype: "f16" });
  await kv.fill(model, 3);
});
afterAll(() => {
  kv.dispose();
  model.dispose();
  device.dispose();
});

test("a stream keeps its cache full and never a page over it, and gives all pages back", async () => {
  const cache = 3 * pageTokens;
  const sequence = new StreamingSequence({ model, kv, cache, sinks: 4 });
  const resident: number[] = [];
  for (let token = 0; token < 3 * pageTokens; token++) {
    expect(await sequence.decode()).toBeGreaterThan(0);
    for (let layer = 0; layer < 3; layer++)
      for (let head = 0; head < 2; head++) resident.push(sequence.resident(layer, head));
  }
  expect(sequence.seen).toBe(2 * cache + 3 * pageTokens);
  expect(Math.min(...resident)).toBe(cache);
  expect(Math.max(...resident)).toBe(cache + pageTokens - 1);
  expect(sequence.peakPages).toBe(6 * 4);
  expect(kv.pool.usedPages).toBeLessThanOrEqual(6 * 4);
  sequence.dispose();
  expect(kv.pool.usedPages).toBe(0);
});

test("a cache that does not fit takes no page", () => {
  expect(() => new StreamingSequence({ model, kv, cache: 4096, sinks: 4 })).toThrow(/pages/);
  expect(() => new StreamingSequence({ model, kv, cache: 0, sinks: 4 })).toThrow(/budget/);
  expect(kv.pool.usedPages).toBe(0);
});
