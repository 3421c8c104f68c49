import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Device, loadModel } from "../src/index.ts";
import { randomWeights, smallConfig, type WeightOptions, writeCheckpoint } from "./random-checkpoint.ts";
import { referenceLogits } from "./reference-decoder.ts";
import { TestSequence } from "./test-sequence.ts";

/** What sets each family apart, in its config.json and among its tensors. */
const families: [name: string, config: object, weights: WeightOptions][] = [
  ["llama", {}, {}],
  [
    "llama with every bias",
    { attention_bias: true, mlp_bias: true },
    { qkvBias: true, outputBias: true, mlpBias: true },
  ],
  ["llama with tied embeddings", { tie_word_embeddings: true }, { tied: true }],
  ["mistral", { model_type: "mistral", architectures: ["MistralForCausalLM"], sliding_window: 5 }, {}],
  [
    "qwen2",
    { model_type: "qwen2", architectures: ["Qwen2ForCausalLM"], use_sliding_window: false },
    { qkvBias: true },
  ],
  [
    "qwen3",
    { model_type: "qwen3", architectures: ["Qwen3ForCausalLM"], attention_bias: false },
    { qkNorm: true },
  ],
];

const prompt = [3, 14, 15, 9, 26, 5, 29, 8, 17, 23, 2, 28];

/** Every family against a plain decoder in double precision. */
export function familyCases(deviceName: string, open: () => Device): void {
  describe(`model families on ${deviceName}`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    /** The largest difference from the reference, the prompt in chunks of 7 and 5. */
    async function largestDifference(config: typeof smallConfig & object, weightOptions: WeightOptions) {
      const weights = randomWeights(weightOptions);
      using checkpoint = writeCheckpoint(config, weights);
      using model = await loadModel(checkpoint.path, { device });
      const sequence = new TestSequence(device, model.program, prompt.length);
      using _memory = sequence.memory;
      const logits = [
        ...(await sequence.feed(model, prompt.slice(0, 7))),
        ...(await sequence.feed(model, prompt.slice(7))),
      ];
      const expected = referenceLogits(config, weights, prompt).flat();
      expect(logits).toHaveLength(expected.length);
      return Math.max(...expected.map((value, i) => Math.abs(logits[i]! - value)));
    }

    it.each(families)("%s gives the reference's logits", async (_name, differences, weightOptions) => {
      expect(await largestDifference({ ...smallConfig, ...differences }, weightOptions)).toBeLessThan(1e-4);
    });

    it.each([
      ["with two cyclic groups", "1_1s_3_3", false],
      ["with overlapping circles", "2_3s_2_3", false],
      ["with a source of its own inside a circle", "3_1s_1_3_3", false],
      ["all to the top layer, with a window", "3s_3_3s_3s", false],
      ["strict in every layer", "0_2_2s_3", true],
    ])("a layer map %s (%s) gives the reference's logits", async (_name, layerTypes, forceNodiag) => {
      const config = {
        ...smallConfig,
        model_type: "lckv-llama",
        architectures: ["LCKVLlamaForCausalLM"],
        num_hidden_layers: layerTypes.split("_").length,
        layer_types: layerTypes,
        sliding_window: 3,
        force_nodiag: forceNodiag,
        // As many as the longest chunk has tokens: exact.
        forward_passes: 5,
        backward_passes: 2,
      };
      const writesKv = layerTypes.split("_").map((entry, i) => Number.parseInt(entry, 10) === i);
      expect(await largestDifference(config, { writesKv })).toBeLessThan(1e-4);
    });
  });
}
