import type { SlotData } from "../device.ts";
import type { DType } from "../dtype.ts";

/** `kvs_dtype`. */
export const dtypeCodes: Readonly<Record<DType, number>> = { f32: 0, f16: 1, bf16: 2 };

/** `kvs_slot_data`. */
export const slotDataCodes: Readonly<Record<SlotData, number>> = {
  position: 0,
  keyNorm: 1,
  keys: 2,
  values: 3,
};
