import type { Compaction } from "../device.ts";
import { dot } from "./operations.ts";
import type { Work } from "./work-queue.ts";

/** Vectors of all slots of a head, one after the other, as its pages hold them. */
export type HeadVectors = { readonly keys: Float64Array; readonly values: Float64Array };

/**
 * The values [kept, headDim] of the slots that are kept, with those that are not folded in as `merge` says.
 * Slots that nothing is folded into keep their value to the bit.
 */
export function* mergedValues(
  { keys, values }: HeadVectors,
  keep: Int32Array,
  { slots, threshold }: NonNullable<Compaction["merge"]>,
  headDim: number,
): Work<Float64Array> {
  const sums = new Float64Array(keep.length * headDim);
  const weights = new Float64Array(keep.length).fill(Math.E);
  const vector = (slot: number) => values.subarray(slot * headDim, (slot + 1) * headDim);
  keep.forEach((slot, i) => {
    sums.set(
      vector(slot).map((value) => Math.E * value),
      i * headDim,
    );
  });
  const kept = new Set(keep);
  const squares = Float64Array.from(keep, (slot) => dotOf(keys, slot, slot, headDim));
  for (let slot = 0; slot < slots; slot++) {
    if (kept.has(slot)) continue;
    const { index, similarity } = mostSimilar(keys, keep, squares, slot, headDim);
    if (similarity < Math.fround(threshold)) continue;
    const weight = Math.exp(similarity);
    weights[index]! += weight;
    vector(slot).forEach((value, i) => {
      sums[index * headDim + i]! += weight * value;
    });
    yield;
  }
  return sums.map((sum, at) => {
    const index = Math.floor(at / headDim);
    const untouched = weights[index] === Math.E;
    return untouched ? values[keep[index]! * headDim + (at % headDim)]! : sum / weights[index]!;
  });
}

/** Of the kept slots, the one whose key has the largest cosine with that of `slot`; -Infinity where none has one. */
function mostSimilar(
  keys: Float64Array,
  keep: Int32Array,
  squares: Float64Array,
  slot: number,
  headDim: number,
): { index: number; similarity: number } {
  const own = dotOf(keys, slot, slot, headDim);
  let best = { index: -1, similarity: -Infinity };
  for (const [index, other] of keep.entries()) {
    // Of equal keys this is 1 to the bit.
    const similarity = dotOf(keys, slot, other, headDim) / Math.sqrt(own * squares[index]!);
    if (similarity >= best.similarity) best = { index, similarity };
  }
  return best;
}

function dotOf(keys: Float64Array, one: number, other: number, headDim: number): number {
  return dot(keys, one * headDim, keys, other * headDim, headDim);
}
