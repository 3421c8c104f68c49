import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { greedySampling } from "../src/greedy-sampling.ts";
import type { Sampling } from "../src/step.ts";
import { type Implementation, relativeError } from "./implementation.ts";
import { LogitTable } from "./logit-table.ts";
import { Random } from "./random.ts";

/** With draw 0 of this seed splitmix64 gives 2^64 - 1, so the uniform number is the largest below 1. */
const seedOfLargest = 0x31628af67b2131abn;

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
      return (await table.run([{ ...greedySampling, ...settings }])).tokens[0]!;
    }

    /** How often each id was drawn, with draws 0 to `draws - 1` of one seed. */
    async function counts(logits: number[], settings: Partial<Sampling>, draws: number): Promise<number[]> {
      using table = new LogitTable(device, [logits]);
      const all = Array.from({ length: draws }, (_, draw) => ({
        ...greedySampling,
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
        ...greedySampling,
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
      const { tokens } = await table.run(
        first.map((_, draw) => ({ ...greedySampling, temperature: 1, draw })),
      );
      expect(Array.from(tokens)).toEqual(first.map((z) => Number(z >> 58n)));
    });

    it("never draws a forbidden token, not even at the very end of the unit interval", async () => {
      const random = new Random(31);
      const rows = Array.from({ length: 64 }, () => Array.from({ length: 64 }, () => 4 * random.next()));
      using table = new LogitTable(device, rows);
      const forbidden = Int32Array.of(20, 40);
      const last = {
        ...greedySampling,
        temperature: 1,
        seed: seedOfLargest,
        biasIds: forbidden,
        biasValues: new Float32Array(2).fill(-Infinity),
      };
      const { tokens } = await table.run(
        rows.map(() => last),
        [...rows.keys()],
      );
      const unlikely = rows.map((logits) => logits.map((x, id) => (forbidden.includes(id) ? Infinity : x)));
      expect(Array.from(tokens)).toEqual(unlikely.map((logits) => logits.indexOf(Math.min(...logits))));
    });

    it.each([5, 32, 33, 70])("draws only what the mask allows, of %i tokens", async (vocabSize) => {
      const random = new Random(vocabSize);
      const logits = Array.from({ length: vocabSize }, () => 3 * random.normal());
      using table = new LogitTable(device, [logits]);
      for (let round = 0; round < 20; round++) {
        const ids = [...random.subset(vocabSize, random.pick([0.03, 0.5, 0.97])), round % vocabSize];
        // Bits past the vocabulary say nothing.
        const allowed = maskOf(vocabSize, [...ids, ...(round % 2 === 0 ? [vocabSize] : [])]);
        const drawn = { ...greedySampling, allowed, temperature: 1, seed: BigInt(round) };
        const bias = { biasIds: Int32Array.from(logits.keys()), biasValues: new Float32Array(vocabSize) };
        const { tokens } = await table.run([
          { ...greedySampling, allowed },
          ...Array.from({ length: 20 }, (_, draw) => ({ ...drawn, draw })),
          { ...drawn, seed: seedOfLargest },
          { ...drawn, topK: 3, topP: 0.9, minP: 0.1 },
          // What is forbidden gets all the bias.
          { ...drawn, ...bias, biasValues: bias.biasValues.map((_, id) => (ids.includes(id) ? 0 : 1e30)) },
        ]);
        const best = ids.reduce((a, b) => (logits[b]! > logits[a]! ? b : a));
        expect(tokens[0]).toBe(best);
        for (const token of tokens) expect(ids).toContain(token);
        // Nothing is left at all: the lowest that is allowed.
        const nothing = { ...bias, biasValues: bias.biasValues.fill(-Infinity) };
        const left = await table.run([
          { ...greedySampling, ...nothing, allowed },
          { ...drawn, ...nothing, topK: 2 },
        ]);
        expect(Array.from(left.tokens)).toEqual([Math.min(...ids), Math.min(...ids)]);
      }
    });

    it("draws in proportion among what the mask allows", async () => {
      const drawn = await counts([0, 1, 0, 5], { allowed: maskOf(4, [0, 1, 2]) }, 4000);
      expect(drawn[3]).toBe(0);
      const whole = 2 + Math.E;
      // A fraction of 4,000 draws is within 0.03 (four standard deviations) of its likelihood.
      for (const [id, weight] of [1, Math.E, 1].entries()) {
        expect(Math.abs(drawn[id]! / 4000 - weight / whole)).toBeLessThan(0.032);
      }
    });

    it("takes a mask of its own for each output, beside outputs without", async () => {
      using table = new LogitTable(device, [[...new Array<number>(40).keys()].map((id) => id % 39)]);
      const { tokens } = await table.run([
        { ...greedySampling, allowed: maskOf(40, [3, 39]) },
        greedySampling,
        { ...greedySampling, allowed: maskOf(40, [1, 2]) },
        { ...greedySampling, allowed: maskOf(40, [39]) },
        greedySampling,
      ]);
      expect(Array.from(tokens)).toEqual([3, 38, 2, 39, 38]);
    });

    it("reports log-probabilities of the model itself, best first, ties by id", async () => {
      const logits = [1, 4, 2, 4, -30, 0];
      using table = new LogitTable(device, [logits]);
      const bias = { biasIds: Int32Array.of(5), biasValues: Float32Array.of(50) };
      const { tokens, logprobs, top } = await table.run(
        [-1, 0, 1, 4, 6].map((topLogprobs) => ({
          ...greedySampling,
          ...bias,
          topLogprobs,
          allowed: maskOf(6, [0, 5]),
        })),
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

function maskOf(vocabSize: number, ids: readonly number[]): Uint32Array {
  const mask = new Uint32Array(Math.ceil(vocabSize / 32));
  for (const id of ids) if (id >> 5 < mask.length) mask[id >> 5]! |= 1 << (id & 31);
  return mask;
}
