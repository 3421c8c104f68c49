import { PolicyError, type Signal, type SignalSet } from "@kvasir/kv-policies";
import type { CompactionPlan } from "@kvasir/paged-memory";
import type { PageMemory } from "@kvasir/runtime";
import { EngineError } from "./engine-error.ts";
import type { Sequence } from "./sequence.ts";

/** The signals that page memory keeps of each slot. */
export const availableSignals = [
  "position",
  "keyNorm",
  "keys",
  "values",
] as const satisfies readonly Signal[];

type Head = { readonly layer: number; readonly head: number; readonly index: number };

/**
 * Asks the policies of sequences that are over their budget which slots to keep, moves those together and gives
 * the freed pages back. All heads of all sequences are compacted in one call.
 *
 * @param fail takes a sequence whose policy went wrong; the others go on
 * @returns how many slots were evicted
 */
export async function evict(
  sequences: readonly Sequence[],
  memory: PageMemory,
  fail: (sequence: Sequence, error: EngineError) => void,
): Promise<number> {
  const due = sequences.map((sequence) => ({ sequence, heads: dueHeads(sequence) }));
  const over = due.filter(({ heads }) => heads.length > 0);
  if (over.length === 0) return 0;
  const signals = await Promise.all(over.map(({ sequence, heads }) => readSignals(sequence, heads, memory)));
  const plans: CompactionPlan[] = [];
  const kept: Sequence[] = [];
  let evicted = 0;
  for (const [i, { sequence, heads }] of over.entries()) {
    try {
      const before = sequence.residentSlots;
      await divideBudget(sequence, signals[i]!);
      plans.push(...planHeads(sequence, heads, signals[i]!).filter(({ keep }) => keep.length > 0));
      evicted += before - sequence.residentSlots;
      kept.push(sequence);
    } catch (error) {
      if (!(error instanceof PolicyError)) throw error;
      fail(sequence, new EngineError("policy-failed", error.message, "kvCache.policy", { cause: error }));
    }
  }
  const compacted =
    plans.length > 0
      ? memory.compact(
          plans.map(({ sourcePages, keep, destinationPages }) => ({
            source: sourcePages,
            keep,
            destination: destinationPages,
          })),
        )
      : undefined;
  for (const sequence of kept) sequence.pages!.commit();
  await compacted;
  return evicted;
}

/** The heads that the policy wants to look at now; for a policy that divides a budget, all, when it must do so. */
function dueHeads({ policy, pages, phase, logical, shares }: Sequence): Head[] {
  if (!policy.evicts || !pages || phase === "prefill") return [];
  const all = Array.from({ length: pages.heads }, (_, index) => ({
    layer: Math.floor(index / pages.kvHeads),
    head: index % pages.kvHeads,
    index,
  }));
  if (policy.allocates && !shares) return all;
  return all.filter(({ layer, head, index }) =>
    policy.overBudget({
      layer,
      head,
      seen: logical,
      resident: pages.resident(layer, head),
      phase: phase === "decode" ? "decode" : "prefill",
      ...(shares && { share: shares[index]! }),
    }),
  );
}

/** `[heads]`, in the order of `heads`. */
async function readSignals(
  { policy, pages }: Sequence,
  heads: readonly Head[],
  memory: PageMemory,
): Promise<Partial<SignalSet>[]> {
  const tables = heads.map(({ layer, head }) => ({
    pages: pages!.pages(layer, head),
    slots: pages!.resident(layer, head),
  }));
  const sets: Partial<Record<Signal, Float32Array>>[] = heads.map(() => ({}));
  for (const signal of policy.signals) {
    const values = await memory.readSlots(signal as (typeof availableSignals)[number], tables);
    values.forEach((numbers, i) => {
      sets[i]![signal] = numbers;
    });
  }
  return sets;
}

async function divideBudget(sequence: Sequence, signals: readonly Partial<SignalSet>[]): Promise<void> {
  const { policy, pages, logical: seen } = sequence;
  if (!policy.allocates || sequence.shares) return;
  const { shares } = await policy.allocate({
    seen,
    resident: (layer, head) => pages!.resident(layer, head),
    signals: async (layer, head) => signals[layer * pages!.kvHeads + head]!,
  });
  sequence.shares = shares;
}

function planHeads(
  sequence: Sequence,
  heads: readonly Head[],
  signals: readonly Partial<SignalSet>[],
): CompactionPlan[] {
  const { policy, pages, logical: seen, shares } = sequence;
  const phase = sequence.phase === "decode" ? "decode" : "prefill";
  // Every head is asked before any is cut, so that a policy that fails half-way leaves the sequence whole.
  const choices = heads.map(({ layer, head, index }, i) => {
    const share = shares && { share: shares[index]! };
    const resident = pages!.resident(layer, head);
    return policy.select({ layer, head, seen, resident, phase, signals: signals[i]!, ...share });
  });
  return heads.map(({ layer, head }, i) => pages!.keep(layer, head, choices[i]!));
}
