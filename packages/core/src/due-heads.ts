import type { HeadState, Phase } from "@kvasir/kv-policies";
import type { HeadPlace } from "./head-signals.ts";
import type { Sequence } from "./sequence.ts";

/** What the policy calls the place where a sequence stands. */
export const phaseOf = (sequence: Sequence): Phase => (sequence.phase === "decode" ? "decode" : "prefill");

/** A head's place, and what was settled for it. */
export function headState(
  { allocation, pages, logical: seen }: Sequence,
  layer: number,
  head: number,
): HeadState {
  const index = layer * pages!.kvHeads + head;
  const share = allocation ? allocation.shares[index]! : 1;
  const profile = allocation ? allocation.profile[index]! : 0;
  return { layer, seen, share, profile };
}

/** The heads that the policy wants to look at now. Asked of all heads after every token, so it makes few objects. */
export function dueHeads(sequence: Sequence): HeadPlace[] {
  const { policy, pages, allocation, logical: seen } = sequence;
  const due: HeadPlace[] = [];
  if (!policy.evicts || !pages || sequence.phase === "prefill") return due;
  const phase = phaseOf(sequence);
  for (let layer = 0; layer < pages.kvLayers; layer++) {
    for (let head = 0; head < pages.kvHeads; head++) {
      const index = layer * pages.kvHeads + head;
      const kept = sequence.kept ? sequence.kept[index]! : -1;
      const resident = pages.resident(layer, head);
      const share = allocation ? allocation.shares[index]! : 1;
      const profile = allocation ? allocation.profile[index]! : 0;
      const query =
        kept < 0
          ? { layer, head, seen, resident, phase, share, profile }
          : { layer, head, seen, resident, phase, share, profile, kept };
      if (policy.overBudget(query)) due.push({ sequence, layer, head, phase });
    }
  }
  return due;
}
