import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Device, loadModel } from "../src/index.ts";
import {
  type GgufModelOptions,
  isQuantised,
  quantTypes,
  valuesOf,
  weightsOf,
  writeGgufModel,
} from "./gguf-model.ts";
import { randomWeights, smallConfig, type WeightOptions } from "./random-checkpoint.ts";
import { referenceLogits } from "./reference-decoder.ts";
import { TestSequence } from "./test-sequence.ts";

/** Rows of whole blocks of every format. */
export const wideConfig = {
  ...smallConfig,
  hidden_size: 256,
  intermediate_size: 512,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
};

const families: [name: string, architecture: string, config: object, weights: WeightOptions][] = [
  ["llama", "llama", {}, {}],
  ["llama with every bias", "llama", {}, { qkvBias: true, outputBias: true, mlpBias: true }],
  ["llama with tied embeddings", "llama", {}, { tied: true }],
  ["a Mistral file that says llama, with a window", "llama", { sliding_window: 5 }, {}],
  ["mistral", "mistral", { sliding_window: 5 }, {}],
  ["qwen2", "qwen2", {}, { qkvBias: true }],
  ["qwen3", "qwen3", {}, { qkNorm: true, tied: true }],
];

export const prompt = [3, 14, 15, 9, 26, 5, 29, 8, 17, 23, 2, 28];

/** GGUF files of every architecture and tensor type against a plain decoder in double precision. */
export function ggufCases(deviceName: string, open: () => Device, packs: boolean): void {
  describe(`GGUF files on ${deviceName}`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    /** The largest differences from the reference with and without rows rounded to 8 bits, the prompt in two chunks. */
    async function differences(options: GgufModelOptions) {
      using file = await writeGgufModel(options);
      using model = await loadModel(file.path, { device });
      const sequence = new TestSequence(device, model.program, prompt.length);
      using _memory = sequence.memory;
      const logits = [
        ...(await sequence.feed(model, prompt.slice(0, 7))),
        ...(await sequence.feed(model, prompt.slice(7))),
      ];
      const { config, weights } = options;
      const matrices = Object.keys(weights).filter((name) => isQuantised(weights[name]!));
      // The head of tied embeddings is the table's packed copy.
      const largest = (quantised: readonly string[]) => {
        const expected = referenceLogits(config, valuesOf(weights), prompt, new Set(quantised)).flat();
        expect(logits).toHaveLength(expected.length);
        return Math.max(...expected.map((value, i) => Math.abs(logits[i]! - value)));
      };
      return { rounded: largest(matrices), exact: largest([]) };
    }

    it.each(families)("%s in F32 gives the reference's logits", async (_, architecture, config, weights) => {
      const options = {
        architecture,
        config: { ...smallConfig, ...config },
        weights: weightsOf(randomWeights(weights)),
      };
      expect((await differences(options)).exact).toBeLessThan(1e-4);
    });

    describe.skipIf(!packs)("with packed weights (skipped where the native kernels cannot pack)", () => {
      it("mixed types, as in a Q4_K_M file, give the reference's logits", async () => {
        const weights = weightsOf(randomWeights({ sizes: wideConfig, qkvBias: true }), (name) =>
          /v_proj|down_proj|lm_head/.test(name) ? "Q6_K" : /0\.mlp\.up/.test(name) ? undefined : "Q4_K",
        );
        const options = { architecture: "qwen2", config: wideConfig, weights };
        expect((await differences(options)).rounded).toBeLessThan(0.06);
      });

      it.each(quantTypes)("%s gives the reference's logits", async (type) => {
        const weights = weightsOf(randomWeights({ sizes: wideConfig, tied: true }), () => type);
        const { rounded, exact } = await differences({ config: wideConfig, weights });
        // Logits reach about 3. Here and there a number half way between two is rounded to the other one.
        expect(rounded).toBeLessThan(0.06);
        // What rounding rows to 8 bits costs, at most 1 part in 254 of the largest of 32.
        expect(exact).toBeLessThan(0.2);
      });
    });
  });
}
