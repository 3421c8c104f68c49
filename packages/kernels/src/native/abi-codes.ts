import type { AttentionRead } from "../attention-read.ts";
import type { SlotData } from "../device.ts";
import type { WeightDType } from "../dtype.ts";
import type { AttentionCollection } from "../step.ts";

/** `kvs_dtype`. */
export const dtypeCodes: Readonly<Record<WeightDType, number>> = {
  f32: 0,
  f16: 1,
  bf16: 2,
  q8_0: 3,
  q4_0: 4,
  q4_1: 5,
  q5_0: 6,
  q5_1: 7,
  q4_k: 8,
  q5_k: 9,
  q6_k: 10,
};

/** `kvs_reduce`. */
export const reduceCodes: Readonly<Record<AttentionCollection["reduce"], number>> = {
  mean: 0,
  max: 1,
  sum: 2,
};

/** `kvs_measure`. */
export const measureCodes: Readonly<Record<AttentionRead["measure"], number>> = {
  sum: 0,
  count: 1,
  expected: 2,
};

/** `kvs_slot_data`. */
export const slotDataCodes: Readonly<Record<SlotData, number>> = {
  position: 0,
  keyNorm: 1,
  keys: 2,
  values: 3,
  valueNorm: 4,
  attentionSum: 5,
};
