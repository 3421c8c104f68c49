import type { CommonOptions } from "./options.ts";

/** What {@link sharesByDepth} must know: the part of an `AllocateContext` that is not about heads' signals. */
interface Division {
  readonly layers: number;
  readonly heads: number;
  readonly seen: number;
  /** Tokens that an equal division gives to each head. */
  readonly budget: number;
  readonly options: CommonOptions;
}

/**
 * Shares that depend on the layer alone. Guarded slots are each head's own; the rest of the budget is divided by
 * `divide(mean, most, count)`: one number for each of the `count` layers that are evicted from, the lowest first, with
 * that mean and none above `most`, which is what a head has to keep. As long as all tokens are within the budget there is
 * no such bound: the shares are for a text yet to come.
 *
 * @returns [layers, heads]; all 1 where guards take up the budget
 */
export function sharesByDepth(
  { layers, heads, seen, budget, options }: Division,
  divide: (mean: number, most: number, count: number) => readonly number[],
): Float32Array {
  const shares = new Float32Array(layers * heads).fill(1);
  const guarded = options.sinks + Math.max(options.recent, 1);
  if (budget <= guarded) return shares;
  const most = seen > budget ? seen - guarded : Number.POSITIVE_INFINITY;
  const open = Array.from({ length: layers }, (_, layer) => layer).filter(
    (layer) => !options.protectLayers.includes(layer),
  );
  divide(budget - guarded, most, open.length).forEach((slots, depth) => {
    const first = open[depth]! * heads;
    shares.fill((guarded + slots) / budget, first, first + heads);
  });
  return shares;
}

/**
 * Numbers in proportion to weights, with a given mean and none above `most`: what is cut off goes to the others, in
 * proportion. Weights are positive; `mean` is at most `most`.
 */
export function proportionally(weights: readonly number[], mean: number, most: number): number[] {
  const order = [...weights.keys()].sort((a, b) => weights[b]! - weights[a]!);
  const result = new Array<number>(weights.length);
  let slots = mean * weights.length;
  let weight = weights.reduce((sum, w) => sum + w, 0);
  for (const i of order) {
    result[i] = Math.min(most, (slots * weights[i]!) / weight);
    slots -= result[i]!;
    weight -= weights[i]!;
  }
  return result;
}
