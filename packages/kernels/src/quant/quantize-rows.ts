import { invalidArgument } from "../check-argument.ts";
import { blockFormat } from "../dtype.ts";
import { halfBits, valueOfHalf } from "./half.ts";
import { quantizeQ4K } from "./quantize-q4k.ts";

/** Formats that float weights can be quantised to. */
export type QuantizeTarget = "q8_0" | "q4_0" | "q4_k";

export const quantizeTargets: readonly QuantizeTarget[] = ["q8_0", "q4_0", "q4_k"];

export function isQuantizeTarget(dtype: unknown): dtype is QuantizeTarget {
  return quantizeTargets.some((target) => target === dtype);
}

/**
 * Quantises rows that lie one after the other, each of whole blocks; what `Device.pack` does to float weights,
 * byte for byte. In f32, every operation rounded, halves to the even neighbour:
 *
 * - q8_0: `scale = max |x| / 127`, stored as f16; `q = round(x * (1 / scale))`.
 * - q4_0: `scale = m / -8`, m the value of largest magnitude (the first of equals), stored as f16;
 *   `q = min(15, trunc(x * (1 / scale) + 8.5))`.
 * - q4_k: see `quantizeQ4K`.
 *
 * A scale that f16 has no room for is 0, and so are all values then. A block that holds anything not finite
 * gets a NaN scale. Throws `KernelError` (`invalid-argument`) for another dtype and for half a block.
 */
export function quantizeRows(dtype: QuantizeTarget, values: Float32Array): Uint8Array<ArrayBuffer> {
  if (!isQuantizeTarget(dtype)) {
    invalidArgument(`dtype is ${String(dtype)}; expected one of ${quantizeTargets.join(", ")}`);
  }
  const format = blockFormat[dtype];
  if (!(values instanceof Float32Array) || values.length % format.values !== 0) {
    invalidArgument(`values is not a Float32Array of whole ${dtype} blocks (${format.values} values each)`);
  }
  const blocks = new Uint8Array((values.length / format.values) * format.bytes);
  quantizeBlocks(dtype, values, 0, values.length, blocks);
  return blocks;
}

/** The same of values `from` to `to - 1`, whole blocks, into their place in `blocks`. */
export function quantizeBlocks(
  dtype: QuantizeTarget,
  values: Float32Array,
  from: number,
  to: number,
  blocks: Uint8Array,
): void {
  const format = blockFormat[dtype];
  const quantize = { q8_0: quantizeQ80, q4_0: quantizeQ40, q4_k: quantizeQ4K }[dtype];
  for (let start = from; start < to; start += format.values) {
    quantize(values, start, blocks, (start / format.values) * format.bytes);
  }
}

/** Adding and subtracting this rounds to a whole number, halves to the even one, up to 2^51. */
const rounder = 1.5 * 2 ** 52;

function quantizeQ80(values: Float32Array, start: number, blocks: Uint8Array, at: number): void {
  let largest = 0;
  let sum = 0;
  for (let i = 0; i < 32; i++) {
    const magnitude = Math.abs(values[start + i]!);
    if (magnitude > largest) largest = magnitude;
    sum += magnitude;
  }
  blocks.fill(0, at, at + 34);
  // Sums of 32 finite f32 values are finite.
  if (!(sum < Infinity)) {
    writeHalf(blocks, at, Number.NaN);
    return;
  }
  const scale = Math.fround(largest / 127);
  writeHalf(blocks, at, scale);
  if (storedHalf(blocks, at) === 0) return;
  const inverse = Math.fround(1 / scale);
  for (let i = 0; i < 32; i++) {
    blocks[at + 2 + i] = Math.fround(values[start + i]! * inverse) + rounder - rounder;
  }
}

function quantizeQ40(values: Float32Array, start: number, blocks: Uint8Array, at: number): void {
  let [largest, sum, signed] = [0, 0, 0];
  for (let i = 0; i < 32; i++) {
    const value = values[start + i]!;
    const magnitude = Math.abs(value);
    if (magnitude > largest) {
      largest = magnitude;
      signed = value;
    }
    sum += magnitude;
  }
  blocks.fill(0, at, at + 18);
  if (!(sum < Infinity)) {
    writeHalf(blocks, at, Number.NaN);
    return;
  }
  const scale = Math.fround(signed / -8);
  writeHalf(blocks, at, scale);
  if (storedHalf(blocks, at) === 0) {
    blocks.fill(0, at, at + 2).fill(0x88, at + 2, at + 18);
    return;
  }
  const inverse = Math.fround(1 / scale);
  for (let i = 0; i < 16; i++) {
    const low = Math.fround(Math.fround(values[start + i]! * inverse) + 8.5);
    const high = Math.fround(Math.fround(values[start + i + 16]! * inverse) + 8.5);
    blocks[at + 2 + i] = Math.min(15, low | 0) | (Math.min(15, high | 0) << 4);
  }
}

function writeHalf(blocks: Uint8Array, at: number, value: number): void {
  const bits = halfBits(value);
  blocks[at] = bits & 255;
  blocks[at + 1] = bits >> 8;
}

function storedHalf(blocks: Uint8Array, at: number): number {
  return valueOfHalf(blocks[at]! | (blocks[at + 1]! << 8));
}
