import { invalidArgument } from "../check-argument.ts";
import { blockFormat } from "../dtype.ts";
import { inverse, writeHalf } from "./half-scale.ts";
import { quantizeQ4K } from "./quantize-q4k.ts";

const f32 = Math.fround;

/** Formats that float weights can be quantised to. */
export type QuantizeTarget = "q8_0" | "q4_0" | "q4_k";

/** All of them. */
export const quantizeTargets: readonly QuantizeTarget[] = ["q8_0", "q4_0", "q4_k"];

export function isQuantizeTarget(dtype: unknown): dtype is QuantizeTarget {
  return quantizeTargets.some((target) => target === dtype);
}

/**
 * Quantises rows that lie one after the other, each of whole blocks; what `Device.pack` does to float weights,
 * byte for byte. In f32, every operation rounded:
 *
 * - q8_0: `scale = max |x| / 127`, stored as f16; `q = round(x * (1 / scale))`, halves away from zero.
 * - q4_0: `scale = m / -8`, m the value of largest magnitude (the first of equals), stored as f16;
 *   `q = min(15, trunc(x * (1 / scale) + 8.5))`.
 * - q4_k: see `quantizeQ4K`.
 *
 * The blocks of q8_0 and q4_0 are those that llama.cpp's quantizer makes. A block that holds anything not
 * finite gets a NaN scale. Throws `KernelError` (`invalid-argument`) for another dtype and for half a block.
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

/** Adding and subtracting this rounds a double to a whole number, halves to the even one, without a branch. */
const rounder = 1.5 * 2 ** 52;
/** Moves a half, and of f32 values nothing else, past the halfway point. */
const beyondHalf = 1 + 2 ** -40;

function quantizeQ80(values: Float32Array, start: number, blocks: Uint8Array, at: number): void {
  let [greatest, sum] = [0, 0];
  for (let i = start; i < start + 32; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > greatest) greatest = magnitude;
    sum += magnitude;
  }
  // Sums of 32 finite f32 values are finite.
  if (!(sum < Infinity)) {
    writeHalf(blocks, at, Number.NaN);
    blocks.fill(0, at + 2, at + 34);
    return;
  }
  const scale = f32(greatest / 127);
  writeHalf(blocks, at, scale);
  const factor = inverse(scale);
  for (let i = 0; i < 32; i++) {
    blocks[at + 2 + i] = (f32(values[start + i]! * factor) * beyondHalf + rounder - rounder) | 0;
  }
}

function quantizeQ40(values: Float32Array, start: number, blocks: Uint8Array, at: number): void {
  let [greatest, sum, extreme] = [0, 0, values[start]!];
  for (let i = start; i < start + 32; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude > greatest) {
      greatest = magnitude;
      extreme = values[i]!;
    }
    sum += magnitude;
  }
  if (!(sum < Infinity)) {
    writeHalf(blocks, at, Number.NaN);
    blocks.fill(0x88, at + 2, at + 18);
    return;
  }
  const scale = f32(extreme / -8);
  writeHalf(blocks, at, scale);
  const factor = inverse(scale);
  for (let i = 0; i < 16; i++) {
    const low = f32(f32(values[start + i]! * factor) + 8.5) | 0;
    const high = f32(f32(values[start + i + 16]! * factor) + 8.5) | 0;
    blocks[at + 2 + i] = Math.min(15, low) | (Math.min(15, high) << 4);
  }
}
