import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { AttentionCollection } from "../src/step.ts";
import { condensed } from "./condensed-program.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, sameBits } from "./implementation.ts";
import { PageIds } from "./paged-sequence.ts";
import { Random } from "./random.ts";
import { describeWorld, randomStep, randomWorld } from "./random-world.ts";
import { slotError } from "./slot-error.ts";
import { tinyDecoder, tinyModel } from "./tiny-model.ts";

const mean: AttentionCollection = { reduce: "mean", temperature: 1 };

/** Attention that steps add up per slot. */
export function signalsCases({ name, open, precision }: Implementation): void {
  describe(`${name}: collected attention`, () => {
    // The reference adds in f32 as well; rounding a score of 10 to f32 is worth 1e-6 of its share.
    const tolerance = precision === "double" ? 6e-7 : 3e-6;
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each([1, 2, 3, 4])(
      "any shapes, masks, sinks, noise and temperature, after evictions and repeated positions (%i)",
      async (seed) => {
        for (let round = 0; round < 4; round++) {
          const random = new Random(1000 * seed + round);
          using world = randomWorld(random, device);
          for (let step = 0; step < 5; step++) {
            await randomStep(random, world);
            for (const sequence of world.sequences) {
              const [actual, expected] = await world.sums(sequence);
              const what = `round ${round}, step ${step}, ${describeWorld(world, sequence)}`;
              expect(slotError(actual, expected), what).toBeLessThan(tolerance);
            }
          }
        }
      },
    );

    it.each<DType>(["f32", "f16", "bf16"])(
      "the same bits alone, batched and in chunks, in %s pages",
      async (dtype) => {
        const sketch = tinyDecoder(131, { ...tinyModel, headDim: 20, window: 12 });
        const tokens = new Random(132).integers(50, 0, 49);
        const collect: AttentionCollection = { reduce: "max", temperature: 1.5, noiseSeed: 7 };
        const whole = await collectedBits(device, sketch, dtype, [tokens], collect);
        expect(whole.some((sums) => sums.some((sum) => sum > 0))).toBe(true);
        const chunks = (size: number) =>
          Array.from({ length: Math.ceil(50 / size) }, (_, i) => tokens.subarray(i * size, (i + 1) * size));
        for (const size of [1, 16, 33]) {
          for (const others of [false, true]) {
            const sums = await collectedBits(device, sketch, dtype, chunks(size), collect, others);
            sums.forEach((part, i) => {
              expect(sameBits(part, whole[i]!), `chunks of ${size}, table ${i}`).toBe(true);
            });
          }
        }
      },
    );

    it("changes no bit of what a step returns", async () => {
      const tokens = new Random(134).integers(40, 0, 49);
      const results = [];
      for (const signals of [false, true]) {
        using decoding = new Decoding(device, tinyDecoder(133, { ...tinyModel, window: 9 }));
        using queries = decoding.executable.queryWindow(8);
        const sequence = decoding.sequence();
        const fields = signals ? { queries, collect: { ...mean, noiseSeed: 3 } } : {};
        const logits = [];
        for (const part of [tokens.subarray(0, 30), tokens.subarray(30, 31), tokens.subarray(31)]) {
          const sequences = [{ ...sequence.next(part.length), ...fields }];
          const outputs = Int32Array.from(part.keys());
          const step = { tokens: part, sequences, outputs, returnLogits: true };
          logits.push((await decoding.executable.run(decoding.memory, step)).logits);
        }
        const stored = [];
        for (const data of ["keys", "values", "position"] as const)
          stored.push(await decoding.memory.readSlots(data, sequence.slotTables()));
        results.push({ logits, stored });
      }
      expect(results[1]).toEqual(results[0]);
    });

    it("a slot written in a page that others used starts at 0, whoever collects", async () => {
      using decoding = new Decoding(device, tinyDecoder(135), { pages: 16 });
      const run = async (seed: number, collects: boolean) => {
        const sequence = decoding.sequence(PageIds.inOrder(16));
        const tokens = new Random(seed).integers(40, 0, 49);
        const part = sequence.next(40);
        const sequences = [collects ? { ...part, collect: mean } : part];
        await decoding.executable.run(decoding.memory, { tokens, sequences, outputs: new Int32Array(0) });
        return await decoding.memory.readSlots("attentionSum", sequence.slotTables());
      };
      const first = await run(1, true);
      // Every row gives each head as much as there is.
      for (const sums of first) expect(sums.reduce((a, b) => a + b, 0)).toBeCloseTo(40, 4);
      await run(2, true);
      for (const sums of await run(3, false)) expect(Array.from(sums)).toEqual(new Array(40).fill(0));
      await run(2, true);
      expect(await run(1, true)).toEqual(first);
    });

    it("steps without it leave the sums of older slots", async () => {
      using decoding = new Decoding(device, tinyDecoder(136));
      const sequence = decoding.sequence();
      const outputs = new Int32Array(0);
      const step = async (rows: number, collect?: AttentionCollection) => {
        const part = sequence.next(rows);
        await decoding.executable.run(decoding.memory, {
          tokens: new Random(rows).integers(rows, 0, 49),
          sequences: [collect === undefined ? part : { ...part, collect }],
          outputs,
        });
        return await decoding.memory.readSlots("attentionSum", sequence.slotTables());
      };
      const before = await step(19, mean);
      for (const [i, sums] of (await step(6)).entries()) {
        expect(sums).toEqual(Float32Array.of(...before[i]!, 0, 0, 0, 0, 0, 0));
      }
    });

    it.each([1e-6, 1e6])("every row pays 1 in all at a temperature of %d", async (temperature) => {
      using decoding = new Decoding(device, tinyDecoder(137));
      const sequence = decoding.sequence();
      const part = { ...sequence.next(40), collect: { ...mean, temperature } };
      const tokens = new Random(138).integers(40, 0, 49);
      await decoding.executable.run(decoding.memory, {
        tokens,
        sequences: [part],
        outputs: new Int32Array(0),
      });
      for (const sums of await decoding.memory.readSlots("attentionSum", sequence.slotTables()))
        expect(sums.reduce((a, b) => a + b, 0)).toBeCloseTo(40, 4);
    });

    describe("of a cyclic group", () => {
      const tokens = new Random(31).integers(9, 0, 39);

      /** Sums, and what the newest queries say, after all tokens in chunks. */
      async function signals(passes: number, size: number, tolerance = 0) {
        using decoding = new Decoding(device, condensed({ passes, tolerance }), { pages: 8 });
        using queries = decoding.executable.queryWindow(4);
        const sequence = decoding.sequence();
        const logits = [];
        for (let start = 0; start < tokens.length; start += size) {
          const part = tokens.subarray(start, start + size);
          const sequences = [{ ...sequence.next(part.length), queries, collect: mean }];
          const outputs = Int32Array.of(part.length - 1);
          const step = { tokens: part, sequences, outputs, returnLogits: true };
          logits.push((await decoding.executable.run(decoding.memory, step)).logits!);
        }
        const sums = await decoding.memory.readSlots("attentionSum", sequence.slotTables());
        const reads = await decoding.executable.readAttention(
          decoding.memory,
          sequence.slotTables().map((table, i) => ({
            ...table,
            queries,
            kvLayer: Math.floor(i / 2),
            kvHead: i % 2,
            position: 9,
            sinks: 0,
            measure: "sum" as const,
            window: 4,
            reduce: "mean" as const,
            threshold: 1,
            future: 1,
          })),
        );
        return { sums, reads, last: logits.at(-1)! };
      }

      it("as many passes as tokens give the bits of decoding token by token", async () => {
        const tokenByToken = await signals(1, 1);
        const chunks = await signals(9, 4);
        const whole = await signals(9, 9);
        for (const { sums, reads } of [chunks, whole]) {
          expect(sums).toEqual(tokenByToken.sums);
          expect(reads).toEqual(tokenByToken.reads);
        }
      });

      it("is collected in one pass, however many there are", async () => {
        for (const passes of [1, 2, 5, 1000]) {
          const { sums } = await signals(passes, 9);
          // The first row sees nothing, as the layers are strict.
          for (const head of sums) expect(head.reduce((a, b) => a + b, 0)).toBeCloseTo(8, 5);
        }
      });

      it("has all its passes, whatever the tolerance", async () => {
        expect(await signals(9, 9, 1e6)).toEqual(await signals(9, 9));
      });

      it("leaves the tolerance to the sequences that do not collect", async () => {
        const run = async (tolerance: number, passes: number) => {
          using decoding = new Decoding(device, condensed({ passes, tolerance }), { pages: 16 });
          const [one, other] = [decoding.sequence(), decoding.sequence()];
          const sequences = [{ ...one.next(9), collect: mean }, other.next(9)];
          const both = Int32Array.of(...tokens, ...tokens);
          const outputs = Int32Array.of(8, 17);
          const step = { tokens: both, sequences, outputs, returnLogits: true };
          const { logits } = await decoding.executable.run(decoding.memory, step);
          return [logits!.slice(0, 40), logits!.slice(40)];
        };
        const [collecting, ended] = await run(1e6, 9);
        expect(collecting).toEqual((await run(0, 9))[0]);
        expect(ended).toEqual((await run(0, 1))[1]);
      });
    });
  });
}

/** The sums of every table after the chunks of one sequence, alone or beside others. */
export async function collectedBits(
  device: Device,
  sketch: ReturnType<typeof tinyDecoder>,
  dtype: DType,
  chunks: readonly Int32Array[],
  collect: AttentionCollection,
  others = false,
): Promise<Float32Array[]> {
  using decoding = new Decoding(device, sketch, { dtype, pages: 600 }, others ? 17 : undefined);
  const sequence = decoding.sequence();
  const random = new Random(18);
  for (const [i, chunk] of chunks.entries()) {
    const part = { ...sequence.next(chunk.length), collect };
    const beside = others
      ? [1, 5].map((rows, j) => ({
          ...decoding.sequence().next(rows),
          ...(j === i % 2 ? { collect: { reduce: "sum", temperature: 1 } as const } : {}),
        }))
      : [];
    const [before, after] = [random.integers(1, 0, 49), random.integers(5, 0, 49)];
    await decoding.executable.run(decoding.memory, {
      tokens: others ? Int32Array.of(...before, ...chunk, ...after) : chunk,
      sequences: others ? [beside[0]!, part, beside[1]!] : [part],
      outputs: new Int32Array(0),
    });
  }
  return await decoding.memory.readSlots("attentionSum", sequence.slotTables());
}
