import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AttentionRead } from "../src/attention-read.ts";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { AttentionCollection } from "../src/step.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, sameBits } from "./implementation.ts";
import type { PagedSequence } from "./paged-sequence.ts";
import { Random } from "./random.ts";
import { describeWorld, randomCollection, randomStep, randomWorld } from "./random-world.ts";
import { SignalModel } from "./signal-model.ts";
import { type SignalSequence, SignalWorld } from "./signal-world.ts";
import { slotError } from "./slot-error.ts";
import { type TinyModel, tinyDecoder, tinyModel } from "./tiny-model.ts";

type Read = Parameters<SignalWorld["read"]>[1][number];

/** What the newest queries say about slots. */
export function queryWindowCases({ name, open, precision }: Implementation): void {
  describe(`${name}: query windows`, () => {
    // Rounding a score of 10 to f32 is worth 1e-6 of its share; of `expected` a mean and a variance are rounded.
    const tolerances = precision === "double" ? { sum: 2e-7, expected: 2e-7 } : { sum: 2e-6, expected: 4e-6 };
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each([1, 2, 3, 4])(
      "any shapes, masks, sinks and windows, after evictions, gaps and repeated positions (%i)",
      async (seed) => {
        for (let round = 0; round < 4; round++) {
          const random = new Random(2000 * seed + round);
          using world = randomWorld(random, device);
          for (let step = 0; step < 4; step++) {
            await randomStep(random, world);
            for (const sequence of world.sequences) {
              await checkReads(random, world, sequence, `round ${round}, step ${step}`);
            }
          }
        }
      },
    );

    async function checkReads(random: Random, world: SignalWorld, sequence: SignalSequence, when: string) {
      const reads = Array.from({ length: 3 }, () => randomRead(random, world, sequence));
      const results = await world.read(sequence, reads);
      for (const [i, read] of reads.entries()) {
        const actual = results[i]!;
        const what = `${when}, ${JSON.stringify(read)}, ${describeWorld(world, sequence)}`;
        const slots = sequence.heads[read.kvLayer * world.model.kvHeads + read.kvHead]!.length;
        const layers = world.model.layersOf(read.kvLayer);
        if (world.heldBefore(sequence).length === 0 || layers.length === 0) {
          const heads = layers.reduce((sum, { group }) => sum + group / layers.length, 0);
          const share = read.reduce === "sum" && heads > 0 ? heads / slots : 1 / slots;
          const expected = new Array(slots).fill(read.measure === "expected" ? share : 0);
          expect(slotError(actual, expected), what).toBeLessThan(1e-6);
        } else if (read.measure === "count") {
          const [atLeast, atMost] = [1 + 1e-5, 1 - 1e-5].map((factor) =>
            world.readNaively(sequence, { ...read, threshold: read.threshold * factor }),
          );
          expect(actual.length, what).toBe(slots);
          for (const [s, count] of actual.entries()) {
            expect(count, what).toBeGreaterThanOrEqual(atLeast![s]! * (1 - 1e-6));
            expect(count, what).toBeLessThanOrEqual(atMost![s]! * (1 + 1e-6));
          }
        } else {
          const tolerance = tolerances[read.measure];
          expect(slotError(actual, world.readNaively(sequence, read)), what).toBeLessThan(tolerance);
        }
      }
    }

    it.each([1, 15, 256, 257, 530])("windows smaller and larger than a prompt of %i", async (length) => {
      const random = new Random(length);
      const model = new SignalModel(random, 1, 20, [2]);
      using world = new SignalWorld(model, device, random, { dtype: "f32", pageTokens: 32 });
      const sequences = [1, 33, 512].map((window) => world.sequence(window, randomCollection(random)));
      for (const sequence of sequences) {
        await world.step([{ sequence, rows: length, collects: false }]);
        const window = sequence.queries.window;
        for (const measure of ["sum", "expected"] as const) {
          const read: Read = { ...plainRead, measure, window };
          const [actual] = await world.read(sequence, [read]);
          const what = `${measure}, ${window} of ${length}`;
          const error = slotError(actual!, world.readNaively(sequence, read));
          expect(error, what).toBeLessThan(tolerances[measure]);
        }
      }
    });

    it.each([1, 1.5e-45])(
      "of equal shares each counts that is seen, with a threshold of %d",
      async (threshold) => {
        const random = new Random(3);
        const model = new SignalModel(random, 1, 6, [1]);
        const flat = model.sketch.instructions.map((i) =>
          i.op === "attend" ? { ...i, scale: 0, strict: false, window: 0 } : i,
        );
        model.sketch.instructions.splice(0, Infinity, ...flat);
        using world = new SignalWorld(model, device, random, { dtype: "bf16", pageTokens: 16 });
        const sequence = world.sequence(512, randomCollection(random));
        await world.step([{ sequence, rows: 300, collects: false }]);
        const read: Read = { ...plainRead, measure: "count", window: 512, threshold };
        const [counts] = await world.read(sequence, [read]);
        expect(Array.from(counts!)).toEqual(Array.from({ length: 300 }, (_, slot) => 300 - slot));
      },
    );

    it.each<DType>(["f32", "f16", "bf16"])(
      "the same bits alone, batched, in chunks and in other pages, in %s pages",
      async (dtype) => {
        const whole = await readsOfChunks(device, dtype, 50);
        for (const size of [1, 16, 33]) {
          for (const others of [false, true]) {
            const reads = await readsOfChunks(device, dtype, size, others);
            reads.forEach((read, i) => {
              expect(sameBits(read, whole[i]!), `chunks of ${size}, read ${i}`).toBe(true);
            });
          }
        }
      },
    );

    it("a read gives the same bits beside others as alone", async () => {
      const random = new Random(5);
      using world = randomWorld(random, device);
      await randomStep(random, world);
      const sequence = world.sequences[0]!;
      const reads = Array.from({ length: 12 }, () => randomRead(random, world, sequence));
      const together = await world.read(sequence, reads);
      for (const [i, read] of reads.entries())
        expect(await world.read(sequence, [read])).toEqual([together[i]]);
    });

    it("says how many bytes it takes", () => {
      using executable = tinyDecoder(141, { ...tinyModel, layers: 3 }).compileOn(device);
      for (const window of [1, 32, 512]) {
        using queries = executable.queryWindow(window);
        expect(queries.window).toBe(window);
        const needed = 3 * 4 * 8 * window * 4;
        expect(queries.bytes).toBeGreaterThan(needed);
        expect(queries.bytes).toBeLessThan(needed + 16 * window + 4096);
      }
    });

    it("takes work in order, and what was given may be written to as soon as the call has returned", async () => {
      const run = async (overwritten: boolean) => {
        using decoding = new Decoding(device, tinyDecoder(142));
        using queries = decoding.executable.queryWindow(16);
        const sequence = decoding.sequence();
        const tokens = new Random(143).integers(30, 0, 49);
        const collect: AttentionCollection = { reduce: "sum", temperature: 1 };
        const part = { ...sequence.next(30), queries, collect };
        const tables = sequence.slotTables();
        const outputs = new Int32Array(0);
        const [read] = readsOf(queries, sequence);
        const pages = read!.pages;
        const work = [
          decoding.executable.run(decoding.memory, { tokens, sequences: [part], outputs }),
          decoding.executable.readAttention(decoding.memory, [read!]),
          decoding.memory.readSlots("attentionSum", tables),
        ] as const;
        if (overwritten) {
          for (const array of [tokens, part.pages, part.resident, pages]) array.fill(3);
          Object.assign(collect, { reduce: "max", temperature: 9 });
        }
        const [, reads, sums] = await Promise.all(work);
        return [...reads, ...sums];
      };
      const expected = await run(false);
      expect(expected[0]!.some((share) => share > 0)).toBe(true);
      expect(await run(true)).toEqual(expected);
    });

    it("work that was submitted ends, even if everything is disposed at once", async () => {
      const own = open();
      const decoding = new Decoding(own, tinyDecoder(144));
      const queries = decoding.executable.queryWindow(16);
      const sequence = decoding.sequence();
      const tokens = new Random(145).integers(30, 0, 49);
      const sequences = [{ ...sequence.next(30), queries }];
      const running = decoding.executable.run(decoding.memory, {
        tokens,
        sequences,
        outputs: new Int32Array(0),
      });
      const reading = decoding.executable.readAttention(decoding.memory, readsOf(queries, sequence));
      for (const disposable of [queries, queries, decoding, own]) disposable[Symbol.dispose]();
      await running;
      for (const shares of await reading) expect(shares).toHaveLength(30);
      // The newest row sees all slots.
      expect((await reading)[0]!.every((share) => share > 0)).toBe(true);
    });
  });
}

/** Implementations whose signals must be the same bits: one level with different numbers of threads. */
export function sameSignalBitsCases(implementations: readonly Implementation[]): void {
  const names = implementations.map(({ name }) => name).join(" and ");
  it.each<DType>(["f32", "f16", "bf16"])(`${names} read the same bits of %s pages`, async (dtype) => {
    const results = [];
    for (const { open } of implementations) {
      using device = open();
      results.push([await readsOfChunks(device, dtype, 16, true), await readsOfChunks(device, dtype, 50)]);
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it(`${names} share long sequences alike`, async () => {
    const results = [];
    for (const { open } of implementations) {
      using device = open();
      results.push(
        await readsOfChunks(device, "f16", 256, false, 600, { ...tinyModel, layers: 1, headDim: 64 }),
      );
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });
}

const plainRead: Read = {
  kvLayer: 0,
  kvHead: 0,
  measure: "sum",
  window: 1,
  reduce: "mean",
  threshold: 1,
  future: 10,
};

function randomRead(random: Random, { model }: SignalWorld, { queries }: SignalSequence): Read {
  return {
    kvLayer: random.integer(0, model.keys.length - 1),
    kvHead: random.integer(0, model.kvHeads - 1),
    measure: random.pick(["sum", "count", "expected"]),
    window: random.pick([1, queries.window, random.integer(1, queries.window)]),
    reduce: random.pick(["mean", "max", "sum"]),
    threshold: random.pick([0.1, 0.9, 1.3, 5]),
    future: random.pick([1, 3, 40]),
  };
}

/** Every measure of every head. */
function readsOf(queries: AttentionRead["queries"], sequence: PagedSequence): AttentionRead[] {
  const { kvHeads } = tinyModel;
  return sequence.slotTables().flatMap((table, i) =>
    (["sum", "count", "expected"] as const).map((measure) => ({
      ...table,
      queries,
      kvLayer: Math.floor(i / kvHeads),
      kvHead: i % kvHeads,
      position: sequence.position,
      sinks: 0,
      measure,
      window: queries.window,
      reduce: "mean",
      threshold: 1,
      future: 100,
    })),
  );
}

/** All reads after a prompt in chunks, and its sums, alone or beside others in scattered pages. */
async function readsOfChunks(
  device: Device,
  dtype: DType,
  size: number,
  others = false,
  length = 50,
  model: TinyModel = { ...tinyModel, headDim: 20, window: 12 },
): Promise<Float32Array[]> {
  using decoding = new Decoding(
    device,
    tinyDecoder(146, model),
    { dtype, pages: 600 },
    others ? 19 : undefined,
  );
  using queries = decoding.executable.queryWindow(24);
  using busy = decoding.executable.queryWindow(3);
  const [sequence, other] = [decoding.sequence(), decoding.sequence()];
  const random = new Random(147);
  const tokens = random.integers(length, 0, 49);
  for (let start = 0; start < length; start += size) {
    const chunk = tokens.subarray(start, start + size);
    const collect = { reduce: "mean", temperature: 1 } as const;
    const part = { ...sequence.next(chunk.length), queries, collect };
    const beside = random.integers(random.integer(1, 5), 0, 49);
    await decoding.executable.run(decoding.memory, {
      tokens: others ? Int32Array.of(...beside, ...chunk) : chunk,
      sequences: others ? [{ ...other.next(beside.length), queries: busy }, part] : [part],
      outputs: new Int32Array(0),
    });
  }
  return [
    ...(await decoding.executable.readAttention(decoding.memory, readsOf(queries, sequence))),
    ...(await decoding.memory.readSlots("attentionSum", sequence.slotTables())),
  ];
}
