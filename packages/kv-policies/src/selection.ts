import { nthSmallest } from "./nth-smallest.ts";

/** All slots: 0..resident-1. */
export function everySlot(resident: number): Int32Array {
  const slots = new Int32Array(resident);
  for (let i = 0; i < resident; i++) slots[i] = i;
  return slots;
}

/** The first `sinks` slots and as many of the newest as make `count` in all, ascending. */
export function sinksAndNewest(resident: number, sinks: number, count: number): Int32Array {
  const skipped = resident - count;
  return Int32Array.from({ length: count }, (_, i) => (i < sinks ? i : i + skipped));
}

/**
 * The first `sinks` slots, the last `recent`, and the highest-scored of the others up to `budget` slots in all; equal
 * scores go to the more recent. Ascending. Needs `sinks + recent <= budget <= scores.length` and no NaN.
 */
export function selectHighest(
  scores: Float32Array,
  budget: number,
  sinks: number,
  recent: number,
): Int32Array {
  const end = scores.length - recent;
  const wanted = budget - sinks - recent;
  const others = scores.slice(sinks, end);
  const threshold = wanted > 0 ? nthSmallest(others, others.length - wanted) : Number.NaN; // nothing is above NaN
  let above = 0;
  for (let slot = sinks; slot < end; slot++) if (scores[slot]! > threshold) above += 1;
  let equalToSkip = -(wanted - above);
  for (let slot = sinks; slot < end; slot++) if (scores[slot] === threshold) equalToSkip += 1;

  const kept = new Int32Array(budget);
  let count = 0;
  for (let slot = 0; slot < scores.length; slot++) {
    const isGuarded = slot < sinks || slot >= end;
    const isEqual = !isGuarded && scores[slot] === threshold;
    const isKept = isGuarded || scores[slot]! > threshold || (isEqual && equalToSkip <= 0);
    if (isEqual) equalToSkip -= 1;
    if (isKept) kept[count++] = slot;
  }
  return kept;
}

/** Says what is wrong with slots that a policy chose itself, or nothing. */
export function selectionFault(
  kept: unknown,
  resident: number,
  least: number,
  budget: number,
  sinks: number,
  recent: number,
): string | undefined {
  if (!(kept instanceof Int32Array)) return "expected an Int32Array";
  if (kept.length < least || kept.length > budget)
    return `expected ${least}..${budget} slots, received ${kept.length}`;
  for (let j = 0; j < kept.length; j++) {
    const slot = kept[j]!;
    if (slot < 0 || slot >= resident) return `expected slots in 0..${resident - 1}, received ${slot}`;
    if (j > 0 && slot <= kept[j - 1]!)
      return `expected strictly ascending slots, received ${slot} after ${kept[j - 1]}`;
  }
  if (sinks > 0 && kept[sinks - 1] !== sinks - 1) return `expected the ${sinks} sinks among the slots kept`;
  if (kept[kept.length - recent] !== resident - recent)
    return `expected the ${recent} most recent slots among those kept`;
  return undefined;
}
