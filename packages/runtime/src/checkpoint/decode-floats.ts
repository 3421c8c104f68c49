import type { DType } from "@kvasir/kernels";

/** Little-endian numbers of a file as floats; every F16 and BF16 has its exact float. */
export function decodeFloats(dtype: DType, bytes: Uint8Array<ArrayBuffer>): Float32Array {
  if (dtype === "f32") return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  const bits = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  if (dtype === "f16") return Float32Array.from(bits, halfToFloat);
  // A bf16 is the upper half of a float.
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
function halfToFloat(half: number): number {
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Number.POSITIVE_INFINITY
          : Number.NaN
        : (1024 + fraction) * 2 ** (exponent - 25);
  return half & 0x8000 ? -magnitude : magnitude;
}
