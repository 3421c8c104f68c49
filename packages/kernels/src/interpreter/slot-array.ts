import type { SlotData } from "../device.ts";
import type { Page } from "./page.ts";

/** What `readSlots` reads of a page: one number, or headDim of them, for each slot. */
export function slotArray(page: Page, data: SlotData, headDim: number): Float32Array | Int32Array {
  switch (data) {
    case "position":
      return page.positions;
    case "keyNorm":
      return norms(page.keys, headDim);
    case "valueNorm":
      return norms(page.values, headDim);
    case "attentionSum":
      return page.attentionSums;
    case "keys":
      return page.keys;
    case "values":
      return page.values;
  }
}

function norms(vectors: Float32Array, headDim: number): Float32Array {
  return Float32Array.from({ length: vectors.length / headDim }, (_, slot) => {
    const vector = vectors.subarray(slot * headDim, (slot + 1) * headDim);
    return Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  });
}
