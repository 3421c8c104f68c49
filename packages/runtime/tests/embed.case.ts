import { openDevice } from "@kvasir/kernels";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Device, loadModel, type Model } from "../src/index.ts";
import { randomWeights, smallConfig, type WeightOptions, writeCheckpoint } from "./random-checkpoint.ts";
import type { Tensors } from "./safetensors.ts";
import { TestSequence } from "./test-sequence.ts";

const cyclic = {
  model_type: "lckv-llama",
  architectures: ["LCKVLlamaForCausalLM"],
  num_hidden_layers: 4,
  layer_types: "0_2_2_3",
  forward_passes: 5,
  backward_passes: 2,
};

const models: [name: string, config: object, weights: WeightOptions][] = [
  ["llama", {}, {}],
  ["llama with tied embeddings", { tie_word_embeddings: true }, { tied: true }],
  ["a cyclic layer map", cyclic, { writesKv: [true, false, true, true] }],
];

const prompt = [3, 14, 15, 9, 26, 5, 29, 8, 17, 23, 2, 28];

/** Hidden rows of a model, on one device. */
export function embedCases(deviceName: string, open: () => Device): void {
  describe(`embed on ${deviceName}`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each(models)("%s: the head makes the logits of what it gives", async (_name, differences, options) => {
      const weights = randomWeights(options);
      using checkpoint = writeCheckpoint({ ...smallConfig, ...differences }, weights);
      using model = await loadModel(checkpoint.path, { device });
      expect(model.hiddenSize).toBe(16);
      const [hidden, logits] = [
        new TestSequence(device, model.program, 12),
        new TestSequence(device, model.program, 12),
      ];
      using _hidden = hidden.memory;
      using _logits = logits.memory;
      for (const [start, end, outputs] of [
        [0, 7, [0, 3, 6]],
        [7, 11, []],
        [11, 12, [0]],
      ] as const) {
        const rows = await feedEmbedder(model, hidden, prompt.slice(start, end), outputs);
        expect(rows).toHaveLength(outputs.length * model.hiddenSize);
        const expected = await logits.feed(model, prompt.slice(start, end), outputs);
        expect(largestDifference(headOf(weights, rows), expected)).toBeLessThan(1e-4);
      }
      expect(await hidden.keys()).toEqual(await logits.keys());
    });

    it.each(models)("%s: gives what the interpreter gives", async (_name, differences, options) => {
      using checkpoint = writeCheckpoint({ ...smallConfig, ...differences }, randomWeights(options));
      using interpreter = openDevice({ backend: "interpreter" });
      const [actual, expected] = await Promise.all(
        [device, interpreter].map(async (each) => {
          using model = await loadModel(checkpoint.path, { device: each });
          const sequence = new TestSequence(each, model.program, 12);
          using _memory = sequence.memory;
          return feedEmbedder(model, sequence, prompt, [0, 5, 11]);
        }),
      );
      expect(expected!.some((x) => Math.abs(x) > 0.1)).toBe(true);
      expect(largestDifference(actual!, expected!)).toBeLessThan(1e-4);
    });

    it("shares pages with run: a sequence may be begun by one and gone on with by the other", async () => {
      using checkpoint = writeCheckpoint(smallConfig, randomWeights());
      using model = await loadModel(checkpoint.path, { device });
      const [mixed, plain] = [
        new TestSequence(device, model.program, 12),
        new TestSequence(device, model.program, 12),
      ];
      using _mixed = mixed.memory;
      using _plain = plain.memory;
      await feedEmbedder(model, mixed, prompt.slice(0, 7), []);
      await plain.feed(model, prompt.slice(0, 7), []);
      expect(await mixed.feed(model, prompt.slice(7))).toEqual(await plain.feed(model, prompt.slice(7)));
    });

    it("refuses to sample, and queries of the other program", async () => {
      using checkpoint = writeCheckpoint(smallConfig, randomWeights());
      using model = await loadModel(checkpoint.path, { device });
      const sequence = new TestSequence(device, model.program, 12);
      using memory = sequence.memory;
      const part = sequence.part(2);
      const step = { tokens: Int32Array.of(1, 2), sequences: [part], outputs: new Int32Array(0) };
      const sampled = model.embed(memory, { ...step, sampling: [] });
      await expect(sampled).rejects.toThrow(/sampling is given, but the program's logits have width 16/);
      await expect(sampled).rejects.toMatchObject({ name: "KernelError", code: "invalid-argument" });
      using queries = model.queryWindow(4);
      const watched = model.embed(memory, { ...step, sequences: [{ ...part, queries }] });
      await expect(watched).rejects.toMatchObject({ code: "invalid-argument" });
      expect(await model.embed(memory, step)).toHaveLength(0);
    });
  });
}

async function feedEmbedder(
  model: Model,
  sequence: TestSequence,
  tokens: readonly number[],
  outputs: readonly number[],
): Promise<Float32Array> {
  return model.embed(sequence.memory, {
    tokens: Int32Array.from(tokens),
    sequences: [sequence.part(tokens.length)],
    outputs: Int32Array.from(outputs),
  });
}

/** The head's product of hidden rows, in double precision. */
function headOf(weights: Tensors, rows: Float32Array): number[] {
  const { shape, data } = (weights["lm_head.weight"] ?? weights["model.embed_tokens.weight"])!;
  const [vocabSize, width] = shape as [number, number];
  return Array.from({ length: (rows.length / width) * vocabSize }, (_, i) => {
    const [row, id] = [Math.floor(i / vocabSize), i % vocabSize];
    let sum = 0;
    for (let j = 0; j < width; j++) sum += rows[row * width + j]! * (data[id * width + j] as number);
    return sum;
  });
}

function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  return Array.from(actual).reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
}
