import { createPolicy } from "./create-policy.ts";
import type { PolicyDefinition } from "./definition.ts";
import type { PolicyOptions } from "./options.ts";
import type { SelectQuery } from "./policy.ts";
import { generator } from "./sample-signals.ts";
import { SIGNALS } from "./signals.ts";

/** Attention of some query heads over the slots that are left of a text, in tests: `[heads][seen][resident]`. */
export type Matrices = readonly (readonly (readonly number[])[])[];

/** A made-up head: what is left of a text, guards and a budget that leaves something to choose. */
export interface SampleHead {
  readonly random: () => number;
  readonly seen: number;
  readonly resident: number;
  /** [resident], ascending from 0 to seen - 1. */
  readonly position: Float32Array;
  readonly sinks: number;
  readonly recent: number;
  readonly budget: number;
}

const pageTokens = 4;

/** A head of another shape for each seed; of every other one, tokens were evicted before. */
export function sampleHead(seed: number): SampleHead {
  const random = generator(seed + 1);
  const whole = (most: number) => Math.floor(random() * (most + 1));
  const resident = 20 + whole(80);
  const position = new Float32Array(resident);
  for (let slot = 1; slot < resident; slot++)
    position[slot] = position[slot - 1]! + 1 + (seed % 2 === 0 ? 0 : whole(2));
  const [sinks, recent] = [whole(4), 1 + whole(6)];
  const budget = sinks + recent + pageTokens + whole(resident - sinks - recent - pageTokens - 1);
  return { random, seen: position[resident - 1]! + 1, resident, position, sinks, recent, budget };
}

/** What every token of a text pays to the slots that are left, in each of some query heads: causal, in each row 1 in all. */
export function sampleAttention({ random, seen, position }: SampleHead, heads: number): Matrices {
  return Array.from({ length: heads }, () => {
    const popularity = Array.from(position, () => random() * 3);
    return Array.from({ length: seen }, (_, query) => {
      const weights = Array.from(position, (token, slot) =>
        token <= query ? Math.exp(popularity[slot]! + random() * 3) : 0,
      );
      const sum = weights.reduce((a, b) => a + b);
      return weights.map((weight) => weight / sum);
    });
  });
}

/** The signals that an engine would read from that, reduced by the mean over heads. See `Signal` for what they are. */
export function attentionSignals(matrices: Matrices, position: Float32Array, window: number, threshold = 1) {
  const [heads, seen] = [matrices.length, matrices[0]!.length];
  const total = (rows: number, measure: (share: number, query: number) => number) =>
    position.map((_, slot) => {
      let sum = 0;
      for (const matrix of matrices)
        for (let query = Math.max(0, seen - rows); query < seen; query++)
          sum += measure(matrix[query]![slot]!, query) / heads;
      return sum;
    });
  const equalShares = Array.from(
    { length: seen },
    (_, query) => 1 / position.filter((token) => token <= query).length,
  );
  return {
    position,
    attentionSum: total(seen, (share) => share),
    attentionRecent: total(window, (share) => share),
    attentionLast: total(1, (share) => share),
    attentionCount: total(window, (share, query) => (share >= threshold * equalShares[query]! ? 1 : 0)),
  };
}

/** The slots that a policy keeps of a head, with that head's guards and budget unless told. */
export function keptBy(
  definition: PolicyDefinition,
  { seen, resident, sinks, recent, budget }: SampleHead,
  signals: SelectQuery["signals"],
  options: PolicyOptions = {},
  place: Partial<SelectQuery> = {},
): number[] {
  const environment = { layers: 1, heads: 1, pageTokens, signals: SIGNALS };
  const policy = createPolicy(definition, { sinks, recent, budget, ...options }, environment);
  const query = { layer: 0, head: 0, phase: "prefill", seen, resident, signals, ...place } as const;
  return [...policy.select(query)];
}

/** What a policy reads at a prompt's end, and how. */
export function needsOf(definition: PolicyDefinition, options: PolicyOptions = {}) {
  const environment = { layers: 1, heads: 1, pageTokens, signals: SIGNALS };
  return createPolicy(definition, options, environment).needs({ layer: 0, phase: "prefill" });
}

/** The first `budget` different slots of a list, ascending: what is kept where slots are wanted in this order. */
export function firstOf(wanted: readonly number[], budget: number): number[] {
  return [...new Set(wanted)].slice(0, budget).sort((a, b) => a - b);
}

/** All slots from the newest to the oldest. */
export function newestFirst(resident: number): number[] {
  return Array.from({ length: resident }, (_, age) => resident - 1 - age);
}

/** The slots that no policy can evict. */
export function guardedSlots({ sinks, recent, resident }: SampleHead): number[] {
  return [...newestFirst(resident).slice(0, recent), ...newestFirst(resident).slice(resident - sinks)];
}

/** All slots from the highest score to the lowest, of equal ones the newer first. */
export function highestFirst(scores: ArrayLike<number>): number[] {
  return newestFirst(scores.length).sort((a, b) => scores[b]! - scores[a]!);
}
