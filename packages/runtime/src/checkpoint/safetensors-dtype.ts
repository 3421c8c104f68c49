import type { DType } from "@kvasir/kernels";

/** Bits of one element of every number format that safetensors knows. */
const bits = {
  BOOL: 8,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  F64: 64,
  I64: 64,
  U64: 64,
  C64: 64,
} as const;

export type SafetensorsDType = keyof typeof bits;

export function isSafetensorsDType(name: string): name is SafetensorsDType {
  return Object.hasOwn(bits, name);
}

/** Bytes of a tensor; undefined where the count overflows or does not fill its last byte. */
export function tensorBytes(dtype: SafetensorsDType, shape: readonly number[]): number | undefined {
  let product: number = bits[dtype];
  for (const size of shape) {
    // Exact as long as both factors and the product are safe integers.
    product *= size;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  return product % 8 === 0 ? product / 8 : undefined;
}

/** The formats that run; undefined for the others. */
export function kernelDType(dtype: SafetensorsDType): DType | undefined {
  return dtype === "F32" ? "f32" : dtype === "F16" ? "f16" : dtype === "BF16" ? "bf16" : undefined;
}
