import { type Device, openDevice } from "@kvasir/kernels";
import { LayerMapError } from "@kvasir/runtime";
import { afterEach, beforeEach, expect, it } from "vitest";
import { identityMap, lckvMap } from "./layer-maps.ts";
import { RandomCheckpoint } from "./random-checkpoint.ts";
import { randomModel } from "./random-model.ts";
import type { ReproduceShape } from "./reproduce-shape.ts";

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
beforeEach(() => {
  device = openDevice({ onWarning: () => {} });
});
afterEach(() => device.dispose());

const options = () => ({ shape, dtype: "bf16", device, seed: 3 }) as const;

async function logitsOf(layerMap: string, seed: number, deviation?: number): Promise<Float32Array> {
  using model = await randomModel({
    ...options(),
    layerMap,
    seed,
    ...(deviation !== undefined && { deviation }),
  });
  using memory = device.pageMemory({ pages: 64, pageTokens: 16, headDim: model.headDim, dtype: "f16" });
  const tables = model.kvLayers * model.kvHeads;
  const { logits } = await model.run(memory, {
    tokens: Int32Array.of(1, 2, 3),
    sequences: [
      {
        rows: 3,
        position: 0,
        resident: new Int32Array(tables),
        pages: Int32Array.from({ length: tables }, (_, page) => page),
        sinks: 0,
      },
    ],
    outputs: Int32Array.of(2),
    returnLogits: true,
  });
  return logits!;
}

it("has the KV layers of its map and no projections for others", async () => {
  using standard = await randomModel({ ...options(), layerMap: identityMap(5) });
  using condensed = await randomModel({ ...options(), layerMap: lckvMap(5, 2) });
  expect(standard.kvLayers).toBe(5);
  expect(condensed.kvLayers).toBe(3);
  expect(condensed.bytesPerToken("f16") * 5).toBe(standard.bytesPerToken("f16") * 3);
  // Two layers without k and v, each [2 * 16, 64] of two bytes.
  expect(standard.weightBytes - condensed.weightBytes).toBe(2 * 2 * 2 * 16 * 64 * 2);
  expect(condensed.config.passes).toBe(9);
});

it("depends on the seed and on nothing else", async () => {
  const first = await logitsOf(lckvMap(5, 2), 3);
  expect(first.every(Number.isFinite)).toBe(true);
  expect(await logitsOf(lckvMap(5, 2), 3)).toEqual(first);
  expect(await logitsOf(lckvMap(5, 2), 4)).not.toEqual(first);
  expect(await logitsOf(identityMap(5), 3)).not.toEqual(first);
});

it("has matrices of the deviation that was asked for, and norms of 1", async () => {
  const [small, large] = [await logitsOf(identityMap(5), 3, 0.02), await logitsOf(identityMap(5), 3, 0.04)];
  const size = (logits: Float32Array) => Math.sqrt(logits.reduce((sum, x) => sum + x * x, 0) / logits.length);
  // The head reads 64 numbers of mean square 1.
  expect(size(small)).toBeCloseTo(0.02 * 8, 1);
  expect(size(large)).toBeCloseTo(0.04 * 8, 1);
});

it("quantises where it is told to", async () => {
  using model = await randomModel({ ...options(), layerMap: identityMap(5), weights: "q8_0" });
  expect(model.weightDtypes).toEqual(["q8_0"]);
});

it("refuses a map of another model and passes without use", async () => {
  await expect(randomModel({ ...options(), layerMap: identityMap(4) })).rejects.toThrow(LayerMapError);
  await expect(randomModel({ ...options(), layerMap: identityMap(5), passes: 3 })).rejects.toThrow("passes");
});

it("stops when it is told to, and keeps nothing", async () => {
  const controller = new AbortController();
  const made = await randomModel({
    ...options(),
    layerMap: identityMap(5),
    signal: controller.signal,
    onProgress: () => controller.abort(new Error("enough")),
  }).catch((error: Error) => error.message);
  expect(made).toBe("enough");
});

it("gives each tensor once, in its shape", async () => {
  using model = await randomModel({ ...options(), layerMap: identityMap(5) });
  using checkpoint = await RandomCheckpoint.make({
    ...options(),
    config: model.config,
    plans: [{ name: "output_norm.weight", shape: [64], mean: 1, deviation: 0.1 }],
  });
  expect(() => checkpoint.tensor("model.norm.weight", [32])).toThrow("has shape [64], expected [32]");
  expect(() => checkpoint.tensor("lm_head.weight", [320, 64])).toThrow("output.weight is missing");
  expect(checkpoint.unused()).toEqual(["output_norm.weight"]);
  using _ = checkpoint.tensor("model.norm.weight", [64]);
  expect(checkpoint.unused()).toEqual([]);
});
