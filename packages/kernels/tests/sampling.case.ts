import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device, Executable, PageMemory } from "../src/device.ts";
import type { Sampling, StepResult } from "../src/step.ts";
import { type Implementation, relativeError } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import type { Random } from "./random.ts";
import { f32Weight } from "./weight.ts";

export const greedy: Sampling = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0n,
  draw: 0,
  history: new Int32Array(0),
  promptLength: 0,
  biasIds: new Int32Array(0),
  biasValues: new Float32Array(0),
  topLogprobs: -1,
};

/** A program whose logits are the row of a table that the token names. */
export class LogitTable implements Disposable {
  readonly #executable: Executable;
  readonly #memory: PageMemory;

  constructor(device: Device, logits: readonly ArrayLike<number>[]) {
    const vocabSize = logits[0]!.length;
    const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize });
    const data = new Float32Array(vocabSize * vocabSize);
    for (const [i, row] of logits.entries()) data.set(row, i * vocabSize);
    const x = sketch.embed(f32Weight([vocabSize, vocabSize], data));
    const out = sketch.buffer(vocabSize, "outputs");
    sketch.push({ op: "gatherOutputs", out, x });
    this.#executable = sketch.logits(out).compileOn(device);
    this.#memory = device.pageMemory({ pages: 2048, pageTokens: 16, headDim: 2, dtype: "f32" });
  }

  /** Samples once for each setting, from the logits of row `rows[i]` or, where none is given, row 0. */
  run(sampling: readonly Sampling[], rows: readonly number[] = []): Promise<StepResult> {
    const tokens = Int32Array.from(sampling, (_, i) => rows[i] ?? 0);
    const pages = Int32Array.from({ length: Math.ceil(tokens.length / 16) }, (_, i) => i);
    const sequence = { rows: tokens.length, position: 0, resident: Int32Array.of(0), pages, sinks: 0 };
    const outputs = Int32Array.from(tokens.keys());
    return this.#executable.run(this.#memory, { tokens, sequences: [sequence], outputs, sampling });
  }

  [Symbol.dispose](): void {
    this.#executable.dispose();
    this.#memory.dispose();
  }
}

export function samplingCases({ name, open }: Implementation): void {
  describe(`${name}: sampling`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    /** The one token that `settings` draw from `logits`. */
    async function one(logits: number[], settings: Partial<Sampling>): Promise<number> {
      using table = new LogitTable(device, [logits]);
      return (await table.run([{ ...greedy, ...settings }])).tokens[0]!;
    }

    /** How often each id was drawn, with draws 0 to `draws - 1` of one seed. */
    async function counts(logits: number[], settings: Partial<Sampling>, draws: number): Promise<number[]> {
      using table = new LogitTable(device, [logits]);
      const all = Array.from({ length: draws }, (_, draw) => ({
        ...greedy,
        temperature: 1,
        seed: 7n,
        ...settings,
        draw,
      }));
      const { tokens } = await table.run(all);
      return logits.map((_, id) => tokens.filter((token) => token === id).length);
    }

    it("greedy takes the largest logit, and of equal ones the lowest id", async () => {
      expect(await one([0, 3, 1, 3, -1], {})).toBe(1);
      expect(await one([-5, -5, -5], {})).toBe(0);
      const long = new Array<number>(301).fill(-1);
      long[300] = 2;
      expect(await one(long, {})).toBe(300);
      long[17] = 2;
      expect(await one(long, {})).toBe(17);
    });

    it("adds the bias, before the penalties", async () => {
      expect(
        await one([0, 1, 2], { biasIds: Int32Array.of(0, 1), biasValues: Float32Array.of(3, 0.5) }),
      ).toBe(0);
      expect(
        await one([0, 1, 2], { biasIds: Int32Array.of(2), biasValues: Float32Array.of(-Infinity) }),
      ).toBe(1);
      const half = { biasIds: Int32Array.of(0, 0), biasValues: Float32Array.of(1.25, 1.25) };
      expect(await one([0, 1, 2], half)).toBe(0);
      // 2 + 2 = 4 is halved to 2 < 3; halved first, it would be 3.5.
      const penalised = { repetitionPenalty: 2, history: Int32Array.of(0), promptLength: 1 };
      expect(
        await one([2, 3], { ...penalised, biasIds: Int32Array.of(0), biasValues: Float32Array.of(2) }),
      ).toBe(1);
    });

    it("repetition divides positive and multiplies negative logits, once, of prompt and generated tokens", async () => {
      const settings = { repetitionPenalty: 2, history: Int32Array.of(0, 0, 0, 1), promptLength: 2 };
      expect(await one([4, 3, 1.9], settings)).toBe(0); // 2, 1.5, 1.9
      expect(await one([4, 3, 2.1], settings)).toBe(2);
      expect(await one([-1, -3, -1.9], settings)).toBe(2); // -2, -6, -1.9
    });

    it("presence counts once and frequency each time, of generated tokens alone", async () => {
      const history = Int32Array.of(0, 0, 1, 1, 2);
      expect(await one([4, 5, 3], { history, promptLength: 2, presencePenalty: 1.5 })).toBe(0); // 4, 3.5, 1.5
      expect(await one([2.9, 5, 2], { history, promptLength: 2, frequencyPenalty: 1 })).toBe(1); // 2.9, 3, 1
      expect(await one([3.1, 5, 2], { history, promptLength: 2, frequencyPenalty: 1 })).toBe(0);
      expect(
        await one([4, 5, 5], { history, promptLength: 0, presencePenalty: -1, frequencyPenalty: 0.1 }),
      ).toBe(2);
    });

    it.each<[string, Partial<Sampling>, number[]]>([
      ["no truncation", {}, [0, 1, 2, 3, 4, 5]],
      ["temperature 0.5", { temperature: 0.5 }, [0, 1, 2, 3, 4, 5]],
      ["temperature 3", { temperature: 3 }, [0, 1, 2, 3, 4, 5]],
      ["top-k 3", { topK: 3 }, [1, 3, 4]],
      ["top-k 1", { topK: 1 }, [1]],
      ["top-k past the vocabulary", { topK: 100 }, [0, 1, 2, 3, 4, 5]],
      // Probabilities of the logits: 0.40, 0.22 twice, 0.08, 0.05, 0.03.
      ["top-p 0.5", { topP: 0.5 }, [1, 3]],
      ["top-p 0.61", { topP: 0.61 }, [1, 3]],
      ["top-p 0.65", { topP: 0.65 }, [1, 3, 4]],
      ["top-p of nearly nothing", { topP: 1e-6 }, [1]],
      ["top-k, then top-p of what is left", { topK: 2, topP: 0.66 }, [1, 3]],
      ["min-p 0.5", { minP: 0.5 }, [1, 3, 4]],
      ["min-p 0.6", { minP: 0.6 }, [1]],
      ["min-p after temperature", { minP: 0.5, temperature: 0.5 }, [1]],
    ])("draws in proportion: %s", async (_, settings, kept) => {
      const logits = [-0.6, 1, -1.6, 0.4, 0.4, -1.1];
      const weights = logits.map((l, id) =>
        kept.includes(id) ? Math.exp(l / (settings.temperature ?? 1)) : 0,
      );
      const total = weights.reduce((a, b) => a + b, 0);
      const drawn = await counts(logits, settings, 4000);
      let chiSquare = 0;
      for (const [id, weight] of weights.entries()) {
        const expected = (4000 * weight) / total;
        if (expected === 0) expect(drawn[id], `token ${id}`).toBe(0);
        else chiSquare += (drawn[id]! - expected) ** 2 / expected;
      }
      // Five degrees of freedom exceed this once in 10,000; the seed is fixed.
      expect(chiSquare).toBeLessThan(25.7);
    });

    it("a draw depends on its seed and number alone", async () => {
      using table = new LogitTable(device, [new Array(64).fill(0)]);
      const draws = Array.from({ length: 50 }, (_, draw) => ({
        ...greedy,
        temperature: 1,
        seed: 2n ** 64n - 1n,
        draw,
      }));
      const { tokens } = await table.run(draws);
      const backwards = await table.run(draws.toReversed());
      expect(Array.from(backwards.tokens).reverse()).toEqual(Array.from(tokens));
      expect(new Set(tokens).size).toBeGreaterThan(20);
      const seeds = draws.map((settings, i) => ({ ...settings, seed: BigInt(i), draw: 0 }));
      expect(new Set((await table.run(seeds)).tokens).size).toBeGreaterThan(20);
      const far = { ...draws[0]!, draw: 2 ** 53 - 1 };
      expect((await table.run([far, far])).tokens.every((token, _, [first]) => token === first)).toBe(true);
    });

    it("draws are those of splitmix64", async () => {
      using table = new LogitTable(device, [new Array(64).fill(0)]);
      // Equal logits: draw u takes token floor(64 u). The first outputs for seed 0 are the published ones.
      const first = [0xe220a8397b1dcdafn, 0x6e789e6aa1b965f4n, 0x06c45d188009454fn, 0xf88bb8a8724c81ecn];
      const { tokens } = await table.run(first.map((_, draw) => ({ ...greedy, temperature: 1, draw })));
      expect(Array.from(tokens)).toEqual(first.map((z) => Number(z >> 58n)));
    });

    it("reports log-probabilities of the model itself, best first, ties by id", async () => {
      const logits = [1, 4, 2, 4, -30, 0];
      using table = new LogitTable(device, [logits]);
      const bias = { biasIds: Int32Array.of(5), biasValues: Float32Array.of(50) };
      const { tokens, logprobs, top } = await table.run(
        [-1, 0, 1, 4, 6].map((topLogprobs) => ({ ...greedy, ...bias, topLogprobs })),
      );
      const sum = logits.reduce((total, l) => total + Math.exp(l), 0);
      const expected = logits.map((l) => l - Math.log(sum));
      expect(Array.from(tokens)).toEqual([5, 5, 5, 5, 5]);
      expect(logprobs[0]).toBeNaN();
      expect(
        relativeError(
          logprobs.subarray(1),
          [1, 2, 3, 4].map(() => expected[5]!),
        ),
      ).toBeLessThan(2e-7);
      expect(top.map(({ ids }) => Array.from(ids))).toEqual([[], [], [1], [1, 3, 2, 0], [1, 3, 2, 0, 5, 4]]);
      for (const { ids, logprobs } of top) {
        expect(
          relativeError(
            logprobs,
            Array.from(ids, (id) => expected[id]!),
          ),
        ).toBeLessThan(2e-7);
      }
    });
  });
}

/** Any settings: near-ties, truncations that cut anywhere, penalties on some of the history. */
export function randomSampling(random: Random, vocabSize: number): Sampling {
  const length = random.pick([0, 0, random.integer(1, 40)]);
  const biases = random.pick([0, 0, random.integer(1, 5)]);
  return {
    temperature: random.pick([0, 0.3, 0.7, 1, 1.8]),
    topK: random.pick([0, 0, 1, 2, 5, 40, 1000]),
    topP: random.pick([1, 1, 0.95, 0.8, 0.3, 1e-3]),
    minP: random.pick([0, 0, 0.05, 0.5, 1]),
    repetitionPenalty: random.pick([1, 1, 1.1, 2, 0.8]),
    presencePenalty: random.pick([0, 0, 0.5, -1]),
    frequencyPenalty: random.pick([0, 0, 0.3, -0.2]),
    seed: BigInt(random.integer(0, 2 ** 31)) * 0x1_0000_0001n,
    draw: random.integer(0, 1000),
    history: random.integers(length, 0, vocabSize - 1),
    promptLength: random.integer(0, length),
    biasIds: random.integers(biases, 0, vocabSize - 1),
    biasValues: Float32Array.from({ length: biases }, () => random.pick([1, -2, 0.1, -Infinity])),
    topLogprobs: random.pick([-1, -1, 0, 3]),
  };
}
