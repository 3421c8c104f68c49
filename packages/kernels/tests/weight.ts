import type { DType, QuantDType, WeightDType } from "../src/dtype.ts";
import type { Random } from "./random.ts";

/** A tensor before it is on a device: its data, and the very numbers that they stand for. */
export type Weight = {
  readonly dtype: WeightDType;
  readonly shape: readonly number[];
  readonly data: Float32Array | Uint16Array | Uint8Array;
  readonly values: Float64Array;
  /** What it is packed as before a program uses it. */
  readonly pack?: QuantDType;
};

/** Values around -1 to 1. */
export function randomWeight(random: Random, dtype: DType, shape: readonly number[]): Weight {
  const count = shape.reduce((product, size) => product * size, 1);
  if (dtype === "f32")
    return f32Weight(
      shape,
      Float32Array.from({ length: count }, () => random.normal()),
    );
  const data = Uint16Array.from({ length: count }, () =>
    dtype === "f16" ? halfBits(random) : bfloatBits(random),
  );
  const value = dtype === "f16" ? valueOfHalf : valueOfBfloat;
  return { dtype, shape, data, values: Float64Array.from(data, value) };
}

/** Values that f32, f16 and bf16 hold alike: no page format rounds them. */
export function coarseWeight(random: Random, shape: readonly number[]): Weight {
  const count = shape.reduce((product, size) => product * size, 1);
  return f32Weight(
    shape,
    Float32Array.from({ length: count }, () => random.integer(-127, 127) / 64),
  );
}

export function f32Weight(shape: readonly number[], data: Float32Array): Weight {
  return { dtype: "f32", shape, data, values: Float64Array.from(data) };
}

/** Copies the first `columns` elements of its input, exactly, and fills the rest with zeros. */
export function readOutWeight(rows: number, columns: number): Weight {
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < columns; i++) data[i * columns + i] = 1;
  return f32Weight([rows, columns], data);
}

function halfBits(random: Random): number {
  if (random.next() < 0.02) return random.integer(0, 1) * 0x8000 + random.integer(0, 1023); // subnormals and zero
  return random.integer(0, 1) * 0x8000 + random.integer(10, 15) * 1024 + random.integer(0, 1023);
}

export function valueOfHalf(bits: number): number {
  const [sign, exponent, fraction] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return exponent === 0 ? (sign * fraction) / 2 ** 24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function bfloatBits(random: Random): number {
  return new Uint32Array(Float32Array.of(random.normal()).buffer)[0]! >>> 16;
}

export function valueOfBfloat(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0]!;
}
