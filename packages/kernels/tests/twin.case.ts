import { describe, expect, it } from "vitest";
import type { DType } from "../src/dtype.ts";
import type { Sampling } from "../src/step.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, relativeError } from "./implementation.ts";
import { LogitTable } from "./logit-table.ts";
import { Random } from "./random.ts";

import { type TinyModel, tinyDecoder } from "./tiny-model.ts";

/**
 * Largest relative errors of the logits of two layers. Where pages are narrow, a key that f32 and f64
 * round to different sides is off by one step of the format.
 */
const tolerances: Readonly<Record<DType, number>> = { f32: 5e-6, f16: 5e-4, bf16: 4e-3 };

/** Implementations against one that they have to agree with, on the same random programs and settings. */
export function twinCases(implementations: readonly Implementation[], oracle: Implementation): void {
  const expectedLogits = remembered((dtype: DType, round: number) => randomSteps(oracle, dtype, round));
  const expectedDraws = remembered((vocabSize: number) => randomDraws(oracle, vocabSize));

  describe.each(implementations)(`$name against ${oracle.name}`, (implementation) => {
    it.each<DType>(["f32", "f16", "bf16"])("random decoders with %s pages", async (dtype) => {
      for (let round = 0; round < 8; round++) {
        const { logits, what } = await randomSteps(implementation, dtype, round);
        const expected = await expectedLogits(dtype, round);
        expect(relativeError(logits, expected.logits), what).toBeLessThan(tolerances[dtype]);
      }
    });

    it("draws the same tokens with any settings", async () => {
      for (const vocabSize of [1, 2, 17, 300]) {
        const actual = await randomDraws(implementation, vocabSize);
        const expected = await expectedDraws(vocabSize);
        expect(actual.ids).toEqual(expected.ids);
        expect(relativeError(actual.logprobs, expected.logprobs)).toBeLessThan(2e-7);
      }
    });
  });
}

/** Calls `work` once for each list of arguments. */
function remembered<Arguments extends unknown[], Result>(work: (...list: Arguments) => Result) {
  const results = new Map<string, Result>();
  return (...list: Arguments): Result => {
    const key = JSON.stringify(list);
    if (!results.has(key)) results.set(key, work(...list));
    return results.get(key)!;
  };
}

/** Prefill, decode and mixed steps of two sequences of a random decoder: the logits of all of them. */
async function randomSteps({ open }: Implementation, dtype: DType, round: number) {
  const random = new Random(round);
  const model = randomModel(random);
  const pageTokens = random.pick([16, 32]);
  const sketch = tinyDecoder(round, model);
  using device = open();
  using decoding = new Decoding(device, sketch, { dtype, pageTokens, pages: 256 }, round);
  const [one, two] = [decoding.sequence(), decoding.sequence()];
  const rows = (count: number) => random.integers(count, 0, model.vocabSize - 1);
  const logits = [
    ...(await decoding.step([one, rows(random.integer(1, 40))])),
    ...(await decoding.step([two, rows(random.integer(1, 20))], [one, rows(1)])),
    ...(await decoding.step([one, rows(1)], [two, rows(random.integer(1, 5))])),
  ];
  return {
    logits: logits.flatMap((part) => Array.from(part)),
    what: JSON.stringify({ round, model, pageTokens }),
  };
}

/** 700 draws: all ids, and all log-probabilities that were asked for. */
async function randomDraws({ open }: Implementation, vocabSize: number) {
  const random = new Random(vocabSize);
  const logits = Array.from({ length: Math.min(vocabSize, 8) }, (_, i) => randomLogits(random, vocabSize, i));
  const settings = Array.from({ length: 700 }, () => randomSampling(random, vocabSize));
  const rows = settings.map(() => random.integer(0, logits.length - 1));
  using device = open();
  using table = new LogitTable(device, logits);
  const { tokens, logprobs, top } = await table.run(settings, rows);
  const asked = settings.map((_, i) => i).filter((i) => settings[i]!.topLogprobs >= 0);
  expect(Array.from(logprobs, Number.isNaN)).toEqual(settings.map(({ topLogprobs }) => topLogprobs === -1));
  return {
    ids: [Array.from(tokens), ...top.map(({ ids }) => Array.from(ids))],
    logprobs: asked.flatMap((i) => [logprobs[i]!, ...top[i]!.logprobs]),
  };
}

function randomModel(random: Random): TinyModel {
  const kvHeads = random.integer(1, 3);
  return {
    layers: 2,
    kvHeads,
    heads: kvHeads * random.integer(1, 3),
    headDim: random.pick([2, 6, 16, 20, 32, 64]),
    width: random.pick([7, 16, 33, 64, 65, 127]),
    vocabSize: random.pick([33, 64, 101]),
    weights: random.pick<DType>(["f32", "f16", "bf16"]),
    window: random.pick([0, 1, 7, 20]),
  };
}

/** Some flat, some peaked, some with many equal values. */
function randomLogits(random: Random, vocabSize: number, kind: number): Float32Array {
  const spread = [0.1, 1, 3, 10][kind % 4]!;
  const logits = Float32Array.from({ length: vocabSize }, () => random.normal() * spread);
  return kind < 4 ? logits : logits.map((logit) => Math.round(logit * 2) / 2);
}

/** Any settings: near-ties, truncations that cut anywhere, penalties on some of the history. */
function randomSampling(random: Random, vocabSize: number): Sampling {
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
    topLogprobs: Math.min(random.pick([-1, -1, 0, 3]), vocabSize),
    ...random.pick([{}, {}, { allowed: randomMask(random, vocabSize) }]),
  };
}

/** Any bits, and one of the vocabulary that is set for certain. */
function randomMask(random: Random, vocabSize: number): Uint32Array {
  const mask = Uint32Array.from({ length: Math.ceil(vocabSize / 32) }, () =>
    random.pick([0, 0xffffffff, random.integer(0, 0xffffffff)]),
  );
  const id = random.integer(0, vocabSize - 1);
  mask[id >> 5]! |= 1 << (id & 31);
  return mask;
}
