import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, relativeError } from "./implementation.ts";
import { Random } from "./random.ts";
import { LogitTable, randomSampling } from "./sampling.case.ts";
import { type TinyModel, tinyDecoder } from "./tiny-model.ts";

/**
 * Largest relative errors of the logits of two layers. Where pages are narrow, a key that f32 and f64
 * round to different sides is off by one step of the format.
 */
const tolerances: Readonly<Record<DType, number>> = { f32: 1e-5, f16: 2e-3, bf16: 2e-2 };

/** An implementation against another, on the same random programs and settings. */
export function twinCases({ name, open }: Implementation, oracle: Implementation): void {
  describe(`${name} against ${oracle.name}`, () => {
    let devices: [Device, Device];
    beforeAll(() => {
      devices = [open(), oracle.open()];
    });
    afterAll(() => {
      for (const device of devices) device.dispose();
    });

    it.each<DType>(["f32", "f16", "bf16"])("random decoders with %s pages", async (dtype) => {
      const random = new Random(81);
      for (let round = 0; round < 8; round++) {
        const model = randomModel(random);
        const sketch = tinyDecoder(random.integer(0, 1e6), model);
        const [seed, pageTokens] = [random.integer(0, 1e6), random.pick([16, 32])];
        const results = [];
        for (const device of devices) {
          using decoding = new Decoding(device, sketch, { dtype, pageTokens, pages: 256 }, seed);
          results.push(await randomSteps(new Random(seed), decoding, model.vocabSize));
        }
        const error = relativeError(results[0]!, results[1]!);
        expect(error, JSON.stringify({ round, model, pageTokens })).toBeLessThan(tolerances[dtype]);
      }
    });

    it("draws the same tokens with any settings", async () => {
      const random = new Random(82);
      for (const vocabSize of [1, 2, 17, 300]) {
        const logits = Array.from({ length: Math.min(vocabSize, 8) }, (_, i) =>
          randomLogits(random, vocabSize, i),
        );
        const settings = Array.from({ length: 700 }, () => {
          const drawn = randomSampling(random, vocabSize);
          return { ...drawn, topLogprobs: Math.min(drawn.topLogprobs, vocabSize) };
        });
        const rows = settings.map(() => random.integer(0, logits.length - 1));
        const [actual, expected] = await Promise.all(
          devices.map(async (device) => {
            using table = new LogitTable(device, logits);
            return await table.run(settings, rows);
          }),
        );
        expect(actual!.tokens).toEqual(expected!.tokens);
        expect(actual!.top.map(({ ids }) => ids)).toEqual(expected!.top.map(({ ids }) => ids));
        const asked = settings.map((_, i) => i).filter((i) => settings[i]!.topLogprobs >= 0);
        const logprobs = (result: typeof actual) =>
          asked.flatMap((i) => [result!.logprobs[i]!, ...result!.top[i]!.logprobs]);
        expect(relativeError(logprobs(actual), logprobs(expected))).toBeLessThan(2e-7);
        expect(actual!.logprobs.map(Number.isNaN)).toEqual(expected!.logprobs.map(Number.isNaN));
      }
    });
  });
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

/** Prefill, decode and mixed steps of two sequences: the logits of all of them. */
async function randomSteps(random: Random, decoding: Decoding, vocabSize: number): Promise<number[]> {
  const [one, two] = [decoding.sequence(), decoding.sequence()];
  const rows = (count: number) => random.integers(count, 0, vocabSize - 1);
  const all = [
    ...(await decoding.step([one, rows(random.integer(1, 40))])),
    ...(await decoding.step([two, rows(random.integer(1, 20))], [one, rows(1)])),
    ...(await decoding.step([one, rows(1)], [two, rows(random.integer(1, 5))])),
  ];
  return all.flatMap((logits) => Array.from(logits));
}

/** Some flat, some peaked, some with many equal values. */
function randomLogits(random: Random, vocabSize: number, kind: number): Float32Array {
  const spread = [0.1, 1, 3, 10][kind % 4]!;
  const logits = Float32Array.from({ length: vocabSize }, () => random.normal() * spread);
  return kind < 4 ? logits : logits.map((logit) => Math.round(logit * 2) / 2);
}
