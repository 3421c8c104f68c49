/** Number formats of pages, and of tensors that hold one number after the other. */
export type DType = "f32" | "f16" | "bf16";

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<DType, number>> = { f32: 4, f16: 2, bf16: 2 };

/**
 * Formats of weights in blocks, bit for bit those of GGUF files (ggml's block structures Q8_0, Q4_0, ...,
 * Q6_K). A block holds whole numbers q of a few bits, and scales in f16:
 *
 * | format | values | bytes | value                                                                     |
 * | ------ | ------ | ----- | ------------------------------------------------------------------------- |
 * | q8_0   | 32     | 34    | `d * q`, q from -128 to 127                                               |
 * | q4_0   | 32     | 18    | `d * (q - 8)`, q of 4 bits                                                |
 * | q4_1   | 32     | 20    | `d * q + m`, q of 4 bits                                                  |
 * | q5_0   | 32     | 22    | `d * (q - 16)`, q of 5 bits                                               |
 * | q5_1   | 32     | 24    | `d * q + m`, q of 5 bits                                                  |
 * | q4_k   | 256    | 144   | `d * s * q - dmin * m`, q of 4 bits; s and m, 6 bits each, for 32 values  |
 * | q5_k   | 256    | 176   | `d * s * q - dmin * m`, q of 5 bits; s and m, 6 bits each, for 32 values  |
 * | q6_k   | 256    | 210   | `d * s * (q - 32)`, q of 6 bits; s, 8 bits signed, for 16 values          |
 */
export type QuantDType = "q8_0" | "q4_0" | "q4_1" | "q5_0" | "q5_1" | "q4_k" | "q5_k" | "q6_k";

/** Number formats of weights. */
export type WeightDType = DType | QuantDType;

/** What a weight's bytes are made of: `bytes` bytes hold `values` values that lie side by side in a row. */
export const blockFormat: Readonly<Record<WeightDType, { readonly values: number; readonly bytes: number }>> =
  {
    f32: { values: 1, bytes: 4 },
    f16: { values: 1, bytes: 2 },
    bf16: { values: 1, bytes: 2 },
    q8_0: { values: 32, bytes: 34 },
    q4_0: { values: 32, bytes: 18 },
    q4_1: { values: 32, bytes: 20 },
    q5_0: { values: 32, bytes: 22 },
    q5_1: { values: 32, bytes: 24 },
    q4_k: { values: 256, bytes: 144 },
    q5_k: { values: 256, bytes: 176 },
    q6_k: { values: 256, bytes: 210 },
  };

export function isQuantDType(dtype: WeightDType): dtype is QuantDType {
  return Object.hasOwn(blockFormat, dtype) && blockFormat[dtype].values > 1;
}

/** Bytes of a tensor's numbers or blocks; of quantised ones, rows hold whole blocks. */
export function tensorBytes(dtype: WeightDType, shape: readonly number[]): number {
  const { values, bytes } = blockFormat[dtype];
  return (shape.reduce((product, size) => product * size, 1) / values) * bytes;
}
