import { type DType, dtypeBytes, parseLayerMap } from "@kvasir/runtime";
import type { ReproduceShape } from "./reproduce-shape.ts";

/** Bytes of a slot of one head beside its key and value: a position and the attention received. */
const slotData = 8;

/** Bytes that a head of one KV layer takes for a token. */
export function slotBytes({ headDim }: ReproduceShape, dtype: DType): number {
  return 2 * headDim * dtypeBytes[dtype] + slotData;
}

/** KV layers of a map: layers with keys and values of their own. */
export function kvLayersOf({ layers }: ReproduceShape, layerMap: string): number {
  return parseLayerMap(layerMap, { layers }).kvSources.length;
}

/** Bytes that a token takes in the cache; `Model.bytesPerToken` without a model. */
export function kvBytesPerToken(shape: ReproduceShape, layerMap: string, dtype: DType): number {
  return kvLayersOf(shape, layerMap) * shape.kvHeads * slotBytes(shape, dtype);
}
