import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { Implementation } from "./implementation.ts";
import { Random } from "./random.ts";
import { f32Weight, randomWeight, valueOfBfloat, valueOfHalf, type Weight } from "./weight.ts";
import { writtenPages } from "./written-pages.ts";

/** What becomes of keys and values in pages. */
export function pageFormatCases({ name, open }: Implementation): void {
  describe(`${name}: page formats`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each<DType>(["f32", "f16", "bf16"])(
      "holds %s values nearest to what was written, ties to even",
      async (dtype) => {
        const table = awkwardNumbers();
        const { memory, sequence } = await writtenPages(
          device,
          table,
          dtype,
          Int32Array.from({ length: 64 }, (_, i) => i),
        );
        for (const data of ["keys", "values"] as const) {
          const [stored] = await memory.readSlots(data, sequence.slotTables());
          const expected = Array.from(table.values, (value) => nearest(dtype, value));
          expect(Array.from(stored!, (x) => x + 0)).toEqual(expected.map((x) => x + 0));
        }
        memory.dispose();
      },
    );

    it.each<DType>(["f32", "f16", "bf16"])(
      "knows each slot's position and the norms of its key and value as they are stored in %s",
      async (dtype) => {
        const random = new Random(41);
        const table = randomWeight(random, "f32", [64, 20]);
        const tokens = random.integers(37, 0, 63);
        const values = randomWeight(random, "f32", [64, 20]);
        const { memory, sequence } = await writtenPages(device, table, dtype, tokens, 1000, values);
        const [positions] = await memory.readSlots("position", sequence.slotTables());
        expect(Array.from(positions!)).toEqual(Array.from(tokens, (_, i) => 1000 + i));
        for (const [data, written] of [
          ["keyNorm", table],
          ["valueNorm", values],
        ] as const) {
          const [norms] = await memory.readSlots(data, sequence.slotTables());
          const expected = Array.from(tokens, (token) => {
            const row = Array.from(written.values.subarray(token * 20, (token + 1) * 20));
            return Math.hypot(...row.map((value) => nearest(dtype, value)));
          });
          // Of each slot by itself: the sum of squares has no part that cancels.
          expected.forEach((norm, slot) => {
            expect(Math.abs(norms![slot]! / norm - 1), data).toBeLessThan(1e-6);
          });
        }
        memory.dispose();
      },
    );
  });
}

/** Ties, the largest and smallest of each format, what is just past them, and plain numbers. */
function awkwardNumbers(): Weight {
  const random = new Random(51);
  const special = [
    0,
    1,
    -1,
    65504,
    65519,
    65520,
    -70000,
    2 ** -14,
    2 ** -24,
    2 ** -25,
    3 * 2 ** -25,
    2 ** -26,
    1e-8,
    1e30,
  ];
  const ties = [
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    1 + 2 ** -8,
    1 + 3 * 2 ** -8,
    -(1 + 2 ** -11),
    2 ** -14 - 2 ** -25,
    2049,
    2051,
  ];
  const near = ties.flatMap((tie) => [tie * (1 + 2 ** -22), tie * (1 - 2 ** -22)]);
  const all = [...special, ...ties, ...near, 2 ** -120, 3.3895e38];
  const data = Float32Array.from(
    { length: 64 * 20 },
    (_, i) => all[i] ?? random.normal() * 2 ** random.integer(-20, 15),
  );
  return f32Weight([64, 20], data);
}

/** By search through all values of a format. */
function nearest(dtype: DType, value: number): number {
  if (dtype === "f32") return value;
  const decode = dtype === "f16" ? valueOfHalf : valueOfBfloat;
  const infinity = dtype === "f16" ? 0x7c00 : 0x7f80;
  let [low, high] = [0, infinity];
  const magnitude = Math.abs(value);
  // Infinity stands one step above the largest value.
  const of = (bits: number) =>
    bits < infinity ? decode(bits) : 2 * decode(infinity - 1) - decode(infinity - 2);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (of(middle) <= magnitude) low = middle;
    else high = middle;
  }
  const [below, above] = [magnitude - of(low), of(high) - magnitude];
  const bits = below < above || (below === above && low % 2 === 0) ? low : high;
  return Math.sign(value) * (bits === infinity ? Infinity : decode(bits));
}
