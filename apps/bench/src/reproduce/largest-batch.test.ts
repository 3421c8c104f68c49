import { type Device, openDevice } from "@kvasir/kernels";
import { afterEach, beforeEach, expect, it } from "vitest";
import { kvBytesPerToken, kvLayersOf } from "./kv-bytes.ts";
import { KvMemory, pageTokens } from "./kv-memory.ts";
import { largestBatch } from "./largest-batch.ts";
import { identityMap, lckvMap } from "./layer-maps.ts";
import { randomModel } from "./random-model.ts";
import type { ReproduceShape } from "./reproduce-shape.ts";

const shape: ReproduceShape = {
  name: "test",
  layers: 6,
  hidden: 32,
  intermediate: 32,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  vocab: 64,
};
const maps = [identityMap(6), lckvMap(6, 2), lckvMap(6, 4)];

let device: Device;
beforeEach(() => {
  device = openDevice({ onWarning: () => {} });
});
afterEach(() => device.dispose());

it.each([1, 16, 17, 100])("is what the formula says, up to whole pages: %i tokens", async (tokens) => {
  const bytes = 7 * 160 * kvBytesPerToken(shape, maps[0]!, "f16");
  using kv = new KvMemory({ device, bytes, headDim: 8, dtype: "f16" });
  for (const layerMap of maps) {
    const kvLayers = kvLayersOf(shape, layerMap);
    const { batch, pagesEach } = await largestBatch({ kv, kvLayers, kvHeads: 2, tokens });
    const rounded = Math.ceil(tokens / pageTokens) * pageTokens;
    expect(batch).toBe(Math.floor(bytes / (kvBytesPerToken(shape, layerMap, "f16") * rounded)));
    expect(pagesEach * pageTokens).toBe(kvLayers * 2 * rounded);
    expect(kv.pool.usedPages).toBe(0);
  }
});

it("is 0 where not one sequence fits", async () => {
  using kv = new KvMemory({ device, bytes: 20_000, headDim: 8, dtype: "f16" });
  const found = await largestBatch({ kv, kvLayers: 6, kvHeads: 2, tokens: 1000 });
  expect(found).toEqual({ batch: 0, pagesEach: 0 });
});

it.each(maps)("counts the bytes that a model of the map takes: %s", async (layerMap) => {
  using model = await randomModel({ shape, layerMap, dtype: "f32", device, seed: 1 });
  for (const dtype of ["f16", "f32"] as const)
    expect(kvBytesPerToken(shape, layerMap, dtype)).toBe(model.bytesPerToken(dtype));
});
