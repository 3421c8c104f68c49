import { type Phase, PolicyError } from "@kvasir/kv-policies";
import type { SequencePages } from "@kvasir/paged-memory";
import type { Compaction } from "@kvasir/runtime";
import { type HeadPlace, isAttention } from "./head-signals.ts";
import type { Sequence } from "./sequence.ts";

/** A head and the slots of it to keep, once they are chosen. */
export type Choice = { readonly place: HeadPlace; kept?: Int32Array };

/**
 * Cuts the heads of a sequence down to what was chosen, and says what is to be moved; `commit` its pages once that
 * is issued. Changes nothing where it throws `PolicyError`.
 */
export function compactionsOf(sequence: Sequence, choices: readonly Choice[]): Compaction[] {
  const { policy } = sequence;
  const pages = sequence.pages!;
  requireSameSlots(sequence, choices);
  sequence.kept ??= new Int32Array(pages.heads).fill(-1);
  const compactions: Compaction[] = [];
  for (const { place, kept } of choices) {
    const { layer, head } = place;
    const merge = policy.mergeAt(place);
    const slots = pages.resident(layer, head);
    const plan = pages.keep(layer, head, kept!, merge !== undefined);
    sequence.kept[layer * pages.kvHeads + head] = kept!.length;
    if (plan.keep.length === 0) continue;
    compactions.push({
      source: plan.sourcePages,
      keep: plan.keep,
      destination: plan.destinationPages,
      ...(merge && { merge: { slots, threshold: merge.threshold } }),
    });
  }
  return compactions;
}

/** Pages, at most, that cutting heads down takes from the pool: those that are kept instead of shared ones. */
export function freshPages(pages: SequencePages, choices: readonly Choice[]): number {
  let count = 0;
  for (const { place, kept } of choices) {
    const table = pages.pages(place.layer, place.head);
    if (table.every((page) => pages.pool.references(page) === 1)) continue;
    count += Math.ceil(kept!.length / pages.pageTokens);
  }
  return count;
}

/**
 * Where attention is averaged over a layer's heads slot by slot, slot s must be the same token in all of them. What a
 * prompt's policy averages matters no more while decoding: prompts are over by then.
 */
function requireSameSlots({ policy, pages }: Sequence, choices: readonly Choice[]): void {
  const byLayer = new Map<number, Int32Array[]>();
  const phases: readonly Phase[] = choices[0]?.place.phase === "decode" ? ["decode"] : ["prefill", "decode"];
  for (const { place, kept } of choices) {
    const list = byLayer.get(place.layer) ?? [];
    byLayer.set(place.layer, list);
    list.push(kept!);
  }
  const isShared = (layer: number, phase: Phase) => {
    const { signals, attention } = policy.needs({ layer, phase });
    return attention.over === "layer" && signals.some(isAttention);
  };
  for (const [layer, kept] of byLayer) {
    if (!phases.some((phase) => isShared(layer, phase))) continue;
    const [first] = kept;
    const isSame = (other: Int32Array) =>
      other.length === first!.length && other.every((slot, j) => slot === first![j]);
    if (kept.length === pages!.kvHeads && kept.every(isSame)) continue;
    throw new PolicyError(
      "INVALID_SELECTION",
      policy.name,
      `it reads attention over whole layers, but keeps other slots in one head of layer ${layer} than in another.`,
    );
  }
}
