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

    it.each(families)("%s gives the reference's logits", async (_name, differences, weightOptions) => {
      const config = { ...smallConfig, ...differences };
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
      for (const [i, value] of expected.entries()) expect(logits[i]).toBeCloseTo(value, 4);
    });
  });
}
