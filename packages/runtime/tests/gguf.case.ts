import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Device, loadModel, type Model, type ModelOptions } from "../src/index.ts";
import {
  type GgufModelOptions,
  isQuantised,
  type QuantType,
  quantTypes,
  valuesOf,
  weightsOf,
  writeGgufModel,
} from "./gguf-model.ts";
import {
  randomWeights,
  smallConfig,
  type WeightOptions,
  wideConfig,
  writeCheckpoint,
} from "./random-checkpoint.ts";
import { referenceLogits } from "./reference-decoder.ts";
import { TestSequence } from "./test-sequence.ts";

const families: [name: string, architecture: string, config: object, weights: WeightOptions][] = [
  ["llama", "llama", {}, {}],
  ["llama with every bias", "llama", {}, { qkvBias: true, outputBias: true, mlpBias: true }],
  ["llama with tied embeddings", "llama", {}, { tied: true }],
  ["a Mistral file that says llama, with a window", "llama", { sliding_window: 5 }, {}],
  ["mistral", "mistral", { sliding_window: 5 }, {}],
  ["qwen2", "qwen2", {}, { qkvBias: true }],
  ["qwen3", "qwen3", {}, { qkNorm: true, tied: true }],
];

const prompt = [3, 14, 15, 9, 26, 5, 29, 8, 17, 23, 2, 28];

/** A file, and the reference's logits of the prompt, with and without rows rounded to 8 bits before quantised matrices. */
type Expected = { readonly options: GgufModelOptions; readonly rounded: number[]; readonly exact: number[] };

/** The reference is slow: once for all devices. */
const known = new Map<string, Expected>();

function expectedOf(name: string, make: () => GgufModelOptions): Expected {
  let expected = known.get(name);
  if (!expected) {
    const options = make();
    const { config, weights } = options;
    const values = valuesOf(weights);
    const matrices = new Set(Object.keys(weights).filter((each) => isQuantised(weights[each]!)));
    expected = {
      options,
      rounded: referenceLogits(config, values, prompt, matrices).flat(),
      exact: referenceLogits(config, values, prompt).flat(),
    };
    known.set(name, expected);
  }
  return expected;
}

const inType = (type: QuantType) => (): GgufModelOptions => ({
  config: wideConfig,
  weights: weightsOf(randomWeights({ sizes: wideConfig, tied: true }), () => type),
});

const mixed = (): GgufModelOptions => ({
  architecture: "qwen2",
  config: wideConfig,
  weights: weightsOf(randomWeights({ sizes: wideConfig, qkvBias: true }), (name) =>
    /v_proj|down_proj|lm_head/.test(name) ? "Q6_K" : /0\.mlp\.up/.test(name) ? undefined : "Q4_K",
  ),
});

/** GGUF files of every architecture and tensor type against a plain decoder in double precision, and against themselves. */
export function ggufCases(deviceName: string, open: () => Device): void {
  describe(`GGUF files on ${deviceName}`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    /** The prompt's logits in chunks of that many tokens, and the keys that it leaves. */
    async function feed(model: Model, chunk: number) {
      const sequence = new TestSequence(device, model.program, prompt.length);
      using _memory = sequence.memory;
      const logits: number[] = [];
      for (let i = 0; i < prompt.length; i += chunk) {
        logits.push(...(await sequence.feed(model, prompt.slice(i, i + chunk))));
      }
      return { logits, keys: await sequence.keys() };
    }

    async function withFile<T>(options: GgufModelOptions, use: (model: Model) => Promise<T>): Promise<T> {
      using file = await writeGgufModel(options);
      using model = await loadModel(file.path, { device });
      return await use(model);
    }

    async function differences({ options, rounded, exact }: Expected) {
      const { logits } = await withFile(options, (model) => feed(model, 7));
      return { rounded: difference(logits, rounded), exact: difference(logits, exact) };
    }

    it.each(families)(
      "%s in F32 gives the reference's logits",
      async (name, architecture, config, weights) => {
        const expected = expectedOf(name, () => ({
          architecture,
          config: { ...smallConfig, ...config },
          weights: weightsOf(randomWeights(weights)),
        }));
        expect((await differences(expected)).exact).toBeLessThan(1e-4);
      },
    );

    it.each([
      ...quantTypes.map((type) => [type, inType(type)] as const),
      ["mixed types, as of a Q4_K_M file,", mixed] as const,
    ])("%s gives the reference's logits", async (name, make) => {
      const { rounded, exact } = await differences(expectedOf(name, make));
      // Logits reach about 3. Here and there a number half way between two is rounded to the other one.
      expect(rounded).toBeLessThan(0.06);
      // What rounding rows to 8 bits costs: each element at most 1 part in 254 of the largest of its 32.
      expect(exact).toBeLessThan(0.2);
    });

    it.each([
      ["Q8_0", inType("Q8_0")],
      ["mixed types", mixed],
    ])(
      "with %s every bit is the same at once, in chunks, token by token and beside another",
      async (_, make) => {
        await withFile(make(), async (model) => {
          const whole = await feed(model, prompt.length);
          for (const chunk of [5, 1]) expect(await feed(model, chunk)).toEqual(whole);
          const one = new TestSequence(device, model.program, prompt.length);
          using memory = one.memory;
          const two = new TestSequence(device, model.program, prompt.length, one);
          const { logits } = await model.run(memory, {
            tokens: Int32Array.from([9, 9, 9, ...prompt]),
            sequences: [two.part(3), one.part(prompt.length)],
            outputs: Int32Array.from(prompt, (_token, i) => i + 3),
            returnLogits: true,
          });
          expect([...logits!]).toEqual(whole.logits);
        });
      },
    );

    it.each(["q8_0", "q4_0", "q4_k"] as const)(
      "a folder loaded in %s is the file in that type: what differs is the order of a head's pairs",
      async (weights) => {
        const tensors = randomWeights({ sizes: wideConfig });
        const options: Omit<ModelOptions, "device"> = { weights };
        using folder = writeCheckpoint(wideConfig, tensors);
        using model = await loadModel(folder.path, { device, ...options });
        const fromFolder = (await feed(model, 7)).logits;
        const type = weights.toUpperCase() as QuantType;
        // The table stays as it is in a folder.
        const inFile = weightsOf(tensors, (name) => (name.includes("embed") ? undefined : type));
        const file = { config: wideConfig, weights: inFile };
        const fromFile = (await withFile(file, (other) => feed(other, 7))).logits;
        // A sum in another order may round one element of a row to the next of its 8 bits.
        expect(difference(fromFile, fromFolder)).toBeLessThan(0.06);
        const qwen = { ...file, architecture: "qwen2" };
        expect((await withFile(qwen, (other) => feed(other, 7))).logits).toEqual(fromFolder);
      },
    );
  });
}

function difference(logits: readonly number[], expected: readonly number[]): number {
  expect(logits).toHaveLength(expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(logits[i]! - value)));
}
