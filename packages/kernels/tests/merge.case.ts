import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Compaction, Device, PageMemory, SlotData } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { Implementation } from "./implementation.ts";
import { Random } from "./random.ts";
import { coarseWeight, f32Weight, randomWeight } from "./weight.ts";
import { writtenPages } from "./written-pages.ts";

const moved: readonly SlotData[] = ["position", "keyNorm", "attentionSum", "keys"];

/** Half a step of each page format, relative to the value. */
const halfStep: Readonly<Record<DType, number>> = { f32: 0, f16: 2 ** -11, bf16: 2 ** -8 };

/** Compaction that folds values into similar slots. */
export function mergeCases({ name, open }: Implementation): void {
  describe(`${name}: folded values`, () => {
    // Of the largest value of a head, beside the rounding to the page format.
    const tolerance = 5e-7;
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each<[DType, number]>([
      ["f32", 4],
      ["f32", 6],
      ["f32", 64],
      ["f16", 20],
      ["f16", 128],
      ["bf16", 6],
      ["bf16", 96],
    ])("%s pages of %i elements: any slots kept, in place or elsewhere", async (dtype, headDim) => {
      for (let round = 0; round < 12; round++) {
        const random = new Random(100 * headDim + round);
        const slots = random.pick([1, 2, 15, 16, 17, random.integer(20, 110)]);
        const { memory, source } = await randomPages(device, random, dtype, headDim, slots);
        const keep = random.subset(slots, random.pick([0, 0.1, 0.5, 0.9, 1]));
        const merge = {
          slots: random.pick([slots, slots, random.integer(0, slots)]),
          threshold: random.pick([-1, 0, 0.3, 0.6, 1]),
        };
        const destination = destinationOf(random, source, keep, memory);
        const before = await slotsOf(memory, source, slots);
        await memory.compact([{ source, keep, destination, merge }]);
        const what = JSON.stringify({ round, slots, keep: Array.from(keep), merge });
        await checkFolded(memory, dtype, { keep, destination, merge }, before, what);
        memory.dispose();
      }
    });

    async function checkFolded(
      memory: PageMemory,
      dtype: DType,
      { keep, destination, merge }: Omit<Required<Compaction>, "source">,
      before: Slots,
      what: string,
    ) {
      const after = await slotsOf(memory, destination, keep.length);
      for (const data of moved) {
        expect(after[data], `${data}, ${what}`).toEqual(Array.from(keep, (slot) => before[data]![slot]!));
      }
      const largest = Math.max(0, ...before.values.flat().map(Math.abs));
      for (const [i, { value, folded }] of foldedNaively(before, keep, merge).entries()) {
        if (folded === 0) expect(after.values[i], `slot ${i}, ${what}`).toEqual(value);
        for (const [j, expected] of value.entries()) {
          const error = Math.abs(after.values[i]![j]! - expected);
          const allowed = halfStep[dtype] * Math.abs(expected) + tolerance * largest + 2 ** -25;
          expect(error, `slot ${i}, element ${j}, ${what}`).toBeLessThanOrEqual(allowed);
        }
      }
    }

    it("goes to the later of equal keys, weighted by e to the cosine", async () => {
      const table = f32Weight([64, 2], new Float32Array(128));
      table.data.set([0, 0, 3, 4, 6, 8, 4, -3]);
      const values = f32Weight([64, 2], new Float32Array(128));
      values.data.set([100, 100, 1, 0, 0, 1, 7, 7]);
      // Two slots of the same key stay; a key twice as long, one at a right angle and one of no length go.
      const tokens = Int32Array.of(1, 1, 2, 3, 0);
      const { memory, sequence } = await writtenPages(device, table, "f32", tokens, 0, values);
      const pages = Int32Array.from(sequence.tables[0]!);
      const keep = Int32Array.of(0, 1);
      const compaction = { source: pages, keep, destination: pages };
      await memory.compact([{ ...compaction, merge: { slots: 5, threshold: 0.5 } }]);
      const [folded] = await memory.readSlots("values", [{ pages, slots: 2 }]);
      expect(Array.from(folded!)).toEqual([1, 0, 0.5, 0.5]);
      memory.dispose();
    });

    it("each head by itself, in one call with heads that fold nothing", async () => {
      const random = new Random(9);
      const { memory, source } = await randomPages(device, random, "f32", 20, 90);
      const heads = [0, 1, 2].map((h) => source.subarray(2 * h, 2 * h + 2));
      const keeps = heads.map(() => random.subset(32, 0.4));
      const settings = [{ slots: 32, threshold: 0.2 }, undefined, { slots: 26, threshold: -1 }];
      const before = await Promise.all(heads.map((pages) => slotsOf(memory, pages, 32)));
      const destinations = heads.map((pages, h) => pages.slice(0, Math.ceil(keeps[h]!.length / 16)));
      await memory.compact(
        heads.map((pages, h) => {
          const merge = settings[h];
          const head = { source: pages, keep: keeps[h]!, destination: destinations[h]! };
          return merge === undefined ? head : { ...head, merge };
        }),
      );
      for (const [h, keep] of keeps.entries()) {
        const merge = settings[h] ?? { slots: 0, threshold: 1 };
        await checkFolded(
          memory,
          "f32",
          { keep, destination: destinations[h]!, merge },
          before[h]!,
          `head ${h}`,
        );
      }
      memory.dispose();
    });

    it("the same bits, whatever pages hold the slots", async () => {
      const results = [];
      for (const elsewhere of [false, true]) {
        const random = new Random(10);
        const { memory, source } = await randomPages(device, random, "bf16", 64, 100);
        const keep = random.subset(100, 0.3);
        let pages = source;
        if (elsewhere) {
          pages = Int32Array.from({ length: 16 }, (_, id) => id).filter((id) => !source.includes(id));
          await memory.copyPages(source, pages.subarray(0, source.length));
          pages = pages.slice(0, source.length).reverse();
          await memory.copyPages(source, pages);
        }
        const destination = pages.slice(0, Math.ceil(keep.length / 16));
        await memory.compact([{ source: pages, keep, destination, merge: { slots: 100, threshold: 0.1 } }]);
        results.push(await slotsOf(memory, destination, keep.length));
        memory.dispose();
      }
      expect(results[1]).toEqual(results[0]);
    });
  });
}

/** Keys that no format rounds, many of them twice; of token 0 of no length, of token 1 not numbers. */
async function randomPages(device: Device, random: Random, dtype: DType, headDim: number, slots: number) {
  const keys = coarseWeight(random, [64, headDim]);
  (keys.data as Float32Array).fill(0, 0, headDim).fill(Number.NaN, headDim, headDim + 1);
  const values = randomWeight(random, "f32", [64, headDim]);
  const tokens = random.integers(slots, 0, 63);
  const { memory, sequence } = await writtenPages(device, keys, dtype, tokens, 0, values);
  return { memory, source: Int32Array.from(sequence.tables[0]!) };
}

function destinationOf(random: Random, source: Int32Array, keep: Int32Array, { spec }: PageMemory) {
  const others = Int32Array.from({ length: spec.pages }, (_, id) => id).filter((id) => !source.includes(id));
  const pages = Math.ceil(keep.length / spec.pageTokens);
  return source.slice(0, pages).map((page, i) => (random.next() < 0.5 ? page : others[i]!));
}

type Slots = { readonly values: number[][]; readonly keys: number[][] } & Partial<
  Record<SlotData, number[][]>
>;

/** [slots][elements] of all data. */
async function slotsOf(memory: PageMemory, pages: Int32Array, slots: number): Promise<Slots> {
  const read = async (data: SlotData) => {
    const [all] = await memory.readSlots(data, [{ pages, slots }]);
    const width = data === "keys" || data === "values" ? memory.spec.headDim : 1;
    return Array.from({ length: slots }, (_, s) => Array.from(all!.subarray(s * width, (s + 1) * width)));
  };
  const [position, keyNorm, attentionSum] = [
    await read("position"),
    await read("keyNorm"),
    await read("attentionSum"),
  ];
  return { position, keyNorm, attentionSum, keys: await read("keys"), values: await read("values") };
}

/** Per kept slot its value, in double precision, and how many were folded into it. */
function foldedNaively(
  { keys, values }: Slots,
  keep: Int32Array,
  { slots, threshold }: NonNullable<Compaction["merge"]>,
) {
  const product = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const targets = Array.from(keep, (slot) => ({ slot, parts: [] as { weight: number; value: number[] }[] }));
  for (let slot = 0; slot < slots; slot++) {
    if (keep.includes(slot)) continue;
    const key = keys[slot]!;
    const cosines = targets.map((target) => {
      const other = keys[target.slot]!;
      return product(key, other) / Math.sqrt(product(key, key) * product(other, other));
    });
    const best = Math.max(...cosines.map((u) => (Number.isNaN(u) ? -Infinity : u)));
    if (!(best >= threshold)) continue;
    targets[cosines.lastIndexOf(best)]!.parts.push({ weight: Math.exp(best), value: values[slot]! });
  }
  return targets.map(({ slot, parts }) => {
    const all = [{ weight: Math.E, value: values[slot]! }, ...parts];
    const total = all.reduce((sum, { weight }) => sum + weight, 0);
    const mean = values[slot]!.map((_, i) =>
      all.reduce((sum, p) => sum + (p.weight / total) * p.value[i]!, 0),
    );
    return { value: parts.length === 0 ? values[slot]! : mean, folded: parts.length };
  });
}
