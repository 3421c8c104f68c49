import type { Rows } from "./rows.ts";
import type { Work } from "./work-queue.ts";

/** Rows of activations rounded to 8 bits in blocks of 32, as `Instruction` says. */
export type RoundedRows = {
  /** [rows, inputs] */
  readonly values: Int8Array;
  /** [rows, inputs / 32] */
  readonly scales: Float32Array;
};

/** Adding and subtracting this rounds to a whole number, halves to the even one, up to 2^51. */
const rounder = 1.5 * 2 ** 52;

export function* roundRows(x: Float64Array, inputs: number, rows: Rows): Work<RoundedRows> {
  const elements = new Float32Array(x.subarray(rows.from * inputs, rows.to * inputs));
  const values = new Int8Array(elements.length);
  const scales = new Float32Array(elements.length / 32);
  for (let block = 0; block < scales.length; block++) {
    const start = 32 * block;
    let largest = 0;
    // Math.max keeps a NaN.
    for (let i = start; i < start + 32; i++) largest = Math.max(largest, Math.abs(elements[i]!));
    if (largest < Infinity) {
      scales[block] = largest / 127;
      const inverse = finiteInverse(largest);
      for (let i = start; i < start + 32; i++) {
        values[i] = Math.fround(elements[i]! * inverse) + rounder - rounder;
      }
    } else {
      scales[block] = Number.NaN;
    }
    if (block % 1024 === 0) yield;
  }
  return { values, scales };
}

/** 127 / largest in f32; 0 where that is not finite, of nothing but zeros or next to them. */
function finiteInverse(largest: number): number {
  const inverse = Math.fround(127 / largest);
  return inverse < Infinity ? inverse : 0;
}
