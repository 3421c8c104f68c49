import type { DType } from "../dtype.ts";
import { float32BitsOfHalf, halfBits } from "../quant/half.ts";
import type { Work } from "./work-queue.ts";

const float64 = new Float64Array(1);
const bits64 = new Uint32Array(float64.buffer);

/** IEEE 754 binary16: 10 fraction bits, exponents from -14, up to 65504. bfloat16: 7, from -126, as f32. */
const narrow = {
  f16: { fractionBits: 10, minExponent: -14, largest: 65504 },
  bf16: { fractionBits: 7, minExponent: -126, largest: 2 ** 127 * (2 - 2 ** -7) },
} as const;

/** The value nearest to `value` that `dtype` holds; of two, the even one. */
export function roundTo(dtype: DType, value: number): number {
  if (dtype === "f32") return Math.fround(value);
  const { fractionBits, minExponent, largest } = narrow[dtype];
  if (!Number.isFinite(value)) return value;
  float64[0] = value;
  const exponent = Math.max(((bits64[1]! >>> 20) & 0x7ff) - 1023, minExponent);
  // Adding 1.5 * 2^52 steps of the format and taking them away again leaves a whole number of steps.
  const shift = 1.5 * 2 ** (52 + exponent - fractionBits);
  const rounded = value + shift - shift;
  return Math.abs(rounded) > largest ? Math.sign(value) * Infinity : rounded;
}

/** The f16 or bf16 bits of values that the format holds. */
export function encode(dtype: "f16" | "bf16", values: Float32Array): Uint16Array {
  const bits32 = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const encodeOne = dtype === "bf16" ? (bits: number) => bits >>> 16 : halfBitsOf;
  return Uint16Array.from(bits32, (bits, i) => encodeOne(bits, values[i]!));
}

/** Keeps the bits of what is not a number. */
function halfBitsOf(bits32: number, value: number): number {
  return Number.isNaN(value)
    ? ((bits32 >>> 16) & 0x8000) | 0x7c00 | ((bits32 >>> 13) & 0x3ff)
    : halfBits(value);
}

/** The values of f16 or bf16 bits; f32 holds all of them. */
export function* decode(dtype: "f16" | "bf16", bits: Uint16Array): Work<Float32Array> {
  const values = new Float32Array(bits.length);
  const bits32 = new Uint32Array(values.buffer);
  const decodeOne = dtype === "bf16" ? (x: number) => x << 16 : float32BitsOfHalf;
  for (let i = 0; i < bits.length; i++) {
    bits32[i] = decodeOne(bits[i]!);
    if (i % 65536 === 0) yield;
  }
  return values;
}
