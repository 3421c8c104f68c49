import { describe, expect, it } from "vitest";
import { blockFormat } from "../dtype.ts";
import { KernelError } from "../kernel-error.ts";
import { dequantizeRows } from "./dequantize-rows.ts";
import { quantizeRows, quantizeTargets } from "./quantize-rows.ts";

/** Sums of sines: of all sizes and signs, the same in every run. */
const wave = (count: number, size = 1) =>
  Float32Array.from({ length: count }, (_, i) => size * (Math.sin(i * 12.9898) + Math.sin(i * i * 0.37)));

describe("quantizeRows", () => {
  it("rounds to the nearest multiple of a q8_0 block's scale, halves away from zero", () => {
    const values = new Float32Array(32);
    values.set([127, -126.5, 0.5, 1.5, -0.5, 2.4, -0]);
    const blocks = quantizeRows("q8_0", values);
    expect(Array.from(new Int8Array(blocks.buffer, 2, 7))).toEqual([127, -127, 1, 2, -1, 2, 0]);
    // 1 as f16.
    expect(Array.from(blocks.subarray(0, 2))).toEqual([0x00, 0x3c]);
  });

  it("makes the value of largest magnitude the -8 of a q4_0 block, whatever its sign", () => {
    const values = new Float32Array(32);
    values.set([8, -8, 7.6, 0.4, 0.6]);
    values[16] = 4;
    const blocks = quantizeRows("q4_0", values);
    // The scale is -1: 8 is level 0, -8 would be level 16 and is cut to 15, 4 is level 4.
    expect(Array.from(blocks.subarray(0, 7))).toEqual([0x00, 0xbc, 0x40, 0x8f, 0x80, 0x88, 0x87]);
  });

  it("stores values that a q4_k block can hold as they are", () => {
    // Scales and mins of 8 runs; every run has levels 0 and 15.
    const values = Float32Array.from({ length: 256 }, (_, i) => {
      const run = i >> 5;
      return (63 - run) * (i % 16) - (run === 0 ? 63 : 7 * run);
    });
    expect(dequantizeRows("q4_k", quantizeRows("q4_k", values))).toEqual(values);
  });

  it.each([
    ["q8_0", 0.006],
    ["q4_0", 0.1],
    ["q4_k", 0.08],
  ] as const)("loses little in %s, of values of any size", (dtype, tolerance) => {
    for (const size of [0.01, 1, 1000]) {
      const values = wave(4096, size);
      const back = dequantizeRows(dtype, quantizeRows(dtype, values));
      const squares = values.reduce((sum, x) => sum + x * x, 0);
      const errors = values.reduce((sum, x, i) => sum + (x - back[i]!) ** 2, 0);
      expect(Math.sqrt(errors / squares)).toBeLessThan(tolerance);
    }
  });

  it.each(quantizeTargets)("gives back zeros, and %s blocks that are not finite as NaN", (dtype) => {
    const { values: count } = blockFormat[dtype];
    expect(dequantizeRows(dtype, quantizeRows(dtype, new Float32Array(count))).every((x) => x === 0)).toBe(
      true,
    );
    for (const bad of [Number.NaN, Infinity, -Infinity]) {
      const values = wave(3 * count);
      const clean = dequantizeRows(dtype, quantizeRows(dtype, values));
      values[count + 5] = bad;
      const back = dequantizeRows(dtype, quantizeRows(dtype, values));
      expect(back.subarray(count, 2 * count).every(Number.isNaN)).toBe(true);
      expect(back.subarray(0, count)).toEqual(clean.subarray(0, count));
      expect(back.subarray(2 * count)).toEqual(clean.subarray(2 * count));
    }
  });

  it("refuses half a block and formats that it does not make", () => {
    const refused = expect.objectContaining({ name: "KernelError", code: "invalid-argument" });
    expect(() => quantizeRows("q8_0", new Float32Array(33))).toThrow(refused);
    expect(() => quantizeRows("q4_k", new Float32Array(128))).toThrow(refused);
    expect(() => quantizeRows("q8_0", [1] as unknown as Float32Array)).toThrow(KernelError);
    expect(() => quantizeRows("q5_0" as "q8_0", new Float32Array(32))).toThrow(
      "expected one of q8_0, q4_0, q4_k",
    );
  });
});
