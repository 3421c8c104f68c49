/** What one head loses by evicting its slots in an order, against the best order there is; all sums over m = 1 .. slots. */
export type AttentionLoss = {
  /** Y of Devoto et al. 2024 (2406.11430): evicting the highest norms first. 0 is the best order. */
  readonly highestFirst: number;
  /** The same of evicting the lowest norms first. */
  readonly lowestFirst: number;
  /** The same of evicting at random, on average. */
  readonly random: number;
};

/**
 * The sum over m of the attention mass that m evicted slots had, less what the m slots of least attention had.
 *
 * @param norms [slots]
 * @param attention [slots] share of the attention that each slot gets
 */
export function attentionLoss(norms: ArrayLike<number>, attention: ArrayLike<number>): AttentionLoss {
  const slots = norms.length;
  if (attention.length !== slots) {
    throw new RangeError(`expected as many numbers on both sides, received ${slots} and ${attention.length}`);
  }
  // The i-th to go is lost at every m above i.
  const sum = (order: Uint32Array) =>
    order.reduce((total, slot, i) => total + attention[slot]! * (slots - i), 0);
  const by = (compare: (a: number, b: number) => number) =>
    Uint32Array.from({ length: slots }, (_, i) => i).sort(compare);
  const best = sum(by((a, b) => attention[a]! - attention[b]!));
  const mass = Array.from(attention).reduce((total, share) => total + share, 0);
  return {
    highestFirst: sum(by((a, b) => norms[b]! - norms[a]!)) - best,
    lowestFirst: sum(by((a, b) => norms[a]! - norms[b]!)) - best,
    random: (mass * (slots + 1)) / 2 - best,
  };
}
