import { halfBits, valueOfHalf } from "./half.ts";

/** 1 / value in f32, and 0 where that is not finite. */
export function inverse(value: number): number {
  const result = Math.fround(1 / value);
  return Number.isFinite(result) ? result : 0;
}

/** Stores the nearest f16 and returns its value. */
export function writeHalf(blocks: Uint8Array, at: number, value: number): number {
  const bits = halfBits(value);
  blocks[at] = bits & 255;
  blocks[at + 1] = bits >> 8;
  return valueOfHalf(bits);
}
