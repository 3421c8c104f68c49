import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  randomWeights,
  smallConfig,
  type WeightOptions,
  writeCheckpoint,
} from "../tests/random-checkpoint.ts";
import type { Tensors } from "../tests/safetensors.ts";
import { TestSequence } from "../tests/test-sequence.ts";
import { trackingDevice } from "../tests/tracking-device.ts";
import { type Device, loadModel, type ModelOptions } from "./index.ts";

const checkpoint = (name: string) => fileURLToPath(new URL(`../tests/checkpoints/${name}`, import.meta.url));

let device: Device;
let live: Set<object>;
beforeEach(() => {
  ({ device, live } = trackingDevice());
});
afterEach(() => device.dispose());

const load = (name: string, options: Partial<ModelOptions> = {}) =>
  loadModel(checkpoint(name), { device, ...options });

/** Loads a random checkpoint whose config and tensors are changed as told. */
async function loadChanged(config: object, weights: WeightOptions, change: (tensors: Tensors) => Tensors) {
  using folder = writeCheckpoint({ ...smallConfig, ...config }, change(randomWeights(weights)));
  using model = await loadModel(folder.path, { device });
  return model.weightBytes;
}

const tensor = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b)) });
const without = (gone: string) => (tensors: Tensors) =>
  Object.fromEntries(Object.entries(tensors).filter(([name]) => name !== gone));

describe("loadModel", () => {
  it("says what a cache of the model needs", async () => {
    using model = await load("lckv-w2");
    expect(model).toMatchObject({ kvLayers: 3, kvHeads: 2, headDim: 16, vocabSize: 320, device });
    // 3 KV layers of 2 heads: 16 keys and 16 values each, a position and a norm.
    expect(model.bytesPerToken("f32")).toBe(3 * 2 * (32 * 4 + 8));
    expect(model.bytesPerToken("bf16")).toBe(3 * 2 * (32 * 2 + 8));
  });

  it("counts the bytes of the weights it uses, once each", async () => {
    const bytes = (tensors: Tensors) =>
      Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(await loadChanged({}, {}, (tensors) => tensors)).toBe(bytes(randomWeights()));
    const tied = await loadChanged({ tie_word_embeddings: true }, { tied: true }, (tensors) => tensors);
    expect(tied).toBe(bytes(randomWeights({ tied: true })));
  });

  it("frees everything on dispose, which may be called again", async () => {
    const model = await load("llama-gqa");
    expect(live.size).toBeGreaterThan(0);
    model.dispose();
    model.dispose();
    expect(live.size).toBe(0);
    const sequence = new TestSequence(device, model.program, 1);
    await expect(sequence.feed(model, [1])).rejects.toMatchObject({ name: "ModelError", code: "disposed" });
  });

  it("compiles the program of embed at its first use alone, and frees it", async () => {
    const model = await load("llama-gqa");
    const before = live.size;
    const sequence = new TestSequence(device, model.program, 2);
    using memory = sequence.memory;
    const step = () => ({
      tokens: Int32Array.of(1),
      sequences: [sequence.part(1)],
      outputs: Int32Array.of(0),
    });
    expect(await model.embed(memory, step())).toHaveLength(model.hiddenSize);
    expect(live.size).toBe(before + 1);
    await model.embed(memory, step());
    expect(live.size).toBe(before + 1);
    model.dispose();
    expect(live.size).toBe(0);
    await expect(model.embed(memory, step())).rejects.toMatchObject({
      name: "ModelError",
      code: "disposed",
    });
  });

  it("takes forceNodiag over the checkpoint's", async () => {
    using strict = await load("lckv-w2", { forceNodiag: true });
    expect(strict.layerMap.layers.every(({ mask }) => mask.strict)).toBe(true);
    using published = await load("lckv-w2-nodiag", { forceNodiag: false });
    expect(published.layerMap.layers.map(({ mask }) => mask.strict)).toEqual([
      false,
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("takes passes and tolerance over the checkpoint's", async () => {
    const iterates = async (options: Partial<ModelOptions>) => {
      using model = await load("lckv-w2", options);
      return model.program.instructions.flatMap((i) => (i.op === "iterate" ? [[i.passes, i.tolerance]] : []));
    };
    expect(await iterates({})).toEqual([[9, 0]]);
    expect(await iterates({ passes: 3, tolerance: 0.5 })).toEqual([[3, 0.5]]);
  });

  it.each<[string, string, Partial<ModelOptions>, string]>([
    ["no pass", "lckv-w2", { passes: 0 }, "passes is 0, expected an integer, 1 to 2147483647"],
    ["half a pass", "lckv-w2", { passes: 1.5 }, "passes is 1.5"],
    ["a negative tolerance", "lckv-w2", { tolerance: -1 }, "tolerance is -1"],
    ["a tolerance that is no number", "lckv-w2", { tolerance: Number.NaN }, "tolerance is NaN"],
    [
      "passes that would do nothing",
      "cla2",
      { passes: 2 },
      "layer map 0_0_2_2_4_4 no layer's source lies above it",
    ],
    ["a tolerance that would do nothing", "llama-gqa", { tolerance: 0.1 }, "no layer's source lies above it"],
  ])("refuses %s", async (_name, name, options, message) => {
    const loading = load(name, options);
    await expect(loading).rejects.toMatchObject({ name: "ModelError", code: "invalid-option" });
    await expect(loading).rejects.toThrow(message);
    expect(live.size).toBe(0);
  });

  it("accepts tensors that are known to say nothing new", async () => {
    await loadChanged({}, {}, (tensors) => ({
      ...tensors,
      "model.layers.0.self_attn.rotary_emb.inv_freq": tensor(4),
    }));
    await loadChanged({ tie_word_embeddings: true }, { tied: true }, (tensors) => ({
      ...tensors,
      "lm_head.weight": tensor(30, 16),
    }));
  });

  it("refuses k and v projections of a layer that reads another's, and names them", async () => {
    const loading = loadChanged({ model_type: "lckv-llama", layer_types: "1_1" }, {}, (tensors) => tensors);
    await expect(loading).rejects.toMatchObject({ name: "ModelError", code: "leftover-weights" });
    await expect(loading).rejects.toThrow(
      /2 of its tensors: .*layers\.0\.self_attn\.k_proj.*layers\.0\.self_attn\.v_proj/,
    );
    expect(live.size).toBe(0);
  });

  it("keeps nothing of a checkpoint that fails half-way", async () => {
    const norm = "model.norm.weight";
    await expect(loadChanged({}, {}, without(norm))).rejects.toMatchObject({
      code: "missing-tensor",
      tensor: norm,
    });
    expect(live.size).toBe(0);
    const misshapen = loadChanged({}, {}, (tensors) => ({ ...tensors, [norm]: tensor(15) }));
    await expect(misshapen).rejects.toMatchObject({ code: "wrong-shape", tensor: norm });
    expect(live.size).toBe(0);
    await expect(loadChanged({}, {}, (t) => ({ ...t, extra: tensor(1) }))).rejects.toThrow(
      /does not use 1 of its tensors: "?extra/,
    );
    expect(live.size).toBe(0);
    device.compile = () => {
      throw new Error("no memory for buffers");
    };
    await expect(loadChanged({}, {}, (tensors) => tensors)).rejects.toThrow("no memory for buffers");
    expect(live.size).toBe(0);
  });
});
