import { blockFormat, type QuantDType } from "../src/dtype.ts";
import { dequantizeRows } from "../src/quant/dequantize-rows.ts";
import type { Random } from "./random.ts";
import type { Weight } from "./weight.ts";

export const quantDTypes: readonly QuantDType[] = [
  "q8_0",
  "q4_0",
  "q4_1",
  "q5_0",
  "q5_1",
  "q4_k",
  "q5_k",
  "q6_k",
];

/** Where the f16 numbers of a block are. */
const halves: Readonly<Record<QuantDType, readonly number[]>> = {
  q8_0: [0],
  q4_0: [0],
  q4_1: [0, 2],
  q5_0: [0],
  q5_1: [0, 2],
  q4_k: [0, 2],
  q5_k: [0, 2],
  q6_k: [208],
};

/** Any bits, and scales of either sign from 2^-10 to 2^-5. */
export function randomQuantWeight(
  random: Random,
  dtype: QuantDType,
  shape: readonly [number, number],
): Weight {
  const { values, bytes } = blockFormat[dtype];
  const blocks = new Uint8Array(((shape[0] * shape[1]) / values) * bytes);
  for (let i = 0; i < blocks.length; i++) blocks[i] = random.integer(0, 255);
  for (let at = 0; at < blocks.length; at += bytes) {
    for (const half of halves[dtype]) {
      const sign = random.integer(0, 1) << 15;
      setHalf(blocks, at + half, sign | (random.integer(5, 9) << 10) | random.integer(0, 1023));
    }
  }
  return quantWeight(dtype, shape, blocks);
}

/** The same with bits that a file might hold to do harm in the f16 numbers. */
export function hostileQuantWeight(
  random: Random,
  dtype: QuantDType,
  shape: readonly [number, number],
): Weight {
  const { data } = randomQuantWeight(random, dtype, shape);
  const blocks = data as Uint8Array;
  const hostile = [0x7c00, 0xfc00, 0x7e00, 0xfe01, 0x7bff, 0x0001, 0x8000, 0x0000];
  for (let at = 0; at < blocks.length; at += blockFormat[dtype].bytes) {
    for (const half of halves[dtype]) setHalf(blocks, at + half, random.pick(hostile));
  }
  return quantWeight(dtype, shape, blocks);
}

/** Numbers quantised elsewhere; not packed. */
export function quantWeight(dtype: QuantDType, shape: readonly number[], data: Uint8Array): Weight {
  return { dtype, shape, data, values: Float64Array.from(dequantizeRows(dtype, data)) };
}

/** The same weight, packed before it is used. */
export function packed(weight: Weight, dtype = weight.dtype as QuantDType): Weight {
  return { ...weight, pack: dtype };
}

function setHalf(blocks: Uint8Array, at: number, bits: number): void {
  blocks[at] = bits & 255;
  blocks[at + 1] = bits >> 8;
}
