import type { HeadState, Phase } from "@kvasir/kv-policies";
import type { HeadPlace } from "./head-signals.ts";
import type { Sequence } from "./sequence.ts";

/** What the policy calls the place where a sequence stands. */
export const phaseOf = (sequence: Sequence): Phase => (sequence.phase === "decode" ? "decode" : "prefill");

/** A head's place, and what was settled for it. */
export function headState(sequence: Sequence, layer: number, head: number): HeadState {
  const { allocation, pages, logical: seen } = sequence;
  if (!allocation) return { layer, seen };
  const index = layer * pages!.kvHeads + head;
  return { layer, seen, share: allocation.shares[index]!, profile: allocation.profile[index]! };
}

/** The heads that the policy wants to look at now. */
export function dueHeads(sequence: Sequence): HeadPlace[] {
  const { policy, pages } = sequence;
  const due: HeadPlace[] = [];
  if (!policy.evicts || !pages || sequence.phase === "prefill") return due;
  const phase = phaseOf(sequence);
  for (let layer = 0; layer < pages.kvLayers; layer++) {
    for (let head = 0; head < pages.kvHeads; head++) {
      const kept = sequence.kept?.[layer * pages.kvHeads + head] ?? -1;
      const isDue = policy.overBudget({
        ...headState(sequence, layer, head),
        head,
        resident: pages.resident(layer, head),
        phase,
        ...(kept >= 0 && { kept }),
      });
      if (isDue) due.push({ sequence, layer, head, phase });
    }
  }
  return due;
}
