import { blockFormat, isQuantDType, type QuantDType, tensorBytes } from "../dtype.ts";
import { type QuantizeTarget, quantizeBlocks } from "../quant/quantize-rows.ts";
import type { Weights } from "./weights.ts";
import type { Work } from "./work-queue.ts";

/** The blocks of a weight that has been loaded, quantised first where it is float. */
export function* packedBlocks(weights: Weights, dtype: QuantDType): Work<ArrayBuffer> {
  // Nobody writes to blocks: the two tensors may share them.
  if (isQuantDType(weights.dtype)) return weights.blocks().buffer;
  const values = yield* weights.decoded();
  const blocks = new Uint8Array(tensorBytes(dtype, [values.length]));
  const piece = 64 * blockFormat[dtype].values;
  for (let from = 0; from < values.length; from += piece) {
    quantizeBlocks(dtype as QuantizeTarget, values, from, Math.min(from + piece, values.length), blocks);
    yield;
  }
  return blocks.buffer;
}
