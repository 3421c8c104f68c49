/** Number formats of weights and pages. */
export type DType = "f32" | "f16" | "bf16";

/** Bytes of one element. */
export const dtypeBytes: Readonly<Record<DType, number>> = { f32: 4, f16: 2, bf16: 2 };
