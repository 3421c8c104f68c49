import type { Generation } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { identityMap } from "../layer-maps.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";

/** What the figure measures; lengths in tokens. */
export type LckvPlan = {
  /** The memory for keys and values: so many of the standard model's slots. */
  readonly standardSlots: number;
  readonly generations: readonly (Generation & { readonly rank: number })[];
  /** Times that a prompt of so many tokens or less is encoded, the first that fits. */
  readonly promptRepetitions: readonly { readonly upTo: number; readonly repetitions: number }[];
  /** Of sampled steps: lengths over a generation, and turns. */
  readonly samples: number;
  readonly repetitions: number;
  /** Throughput over batches. */
  readonly sweep: Generation;
  readonly sweepSamples: number;
  readonly sweepRepetitions: number;
  /** Run step by step, to check what sampled steps say. */
  readonly whole: Generation & { readonly batch: number };
};

/**
 * The paper's lengths. Memory for 8 sequences of 4,096 tokens: of the longest generation 4 fit, of the shortest 32, like
 * the paper's 1 to 15 of a 7B model on its cards.
 */
export const lckvPlan: LckvPlan = {
  standardSlots: 8 * 4096,
  generations: [
    { prompt: 5, generated: 2043, rank: 0 },
    { prompt: 512, generated: 1024, rank: 0 },
    { prompt: 2048, generated: 2048, rank: 0 },
    { prompt: 512, generated: 512, rank: 1 },
    { prompt: 5, generated: 8187, rank: 1 },
  ],
  promptRepetitions: [
    { upTo: 64, repetitions: 5 },
    { upTo: 512, repetitions: 3 },
    { upTo: Number.POSITIVE_INFINITY, repetitions: 2 },
  ],
  samples: 4,
  repetitions: 5,
  sweep: { prompt: 2048, generated: 2048 },
  sweepSamples: 3,
  sweepRepetitions: 3,
  whole: { prompt: 5, generated: 251, batch: 16 },
};

/** Bytes of the memory for keys and values. */
export function plannedKvBytes({ standardSlots }: LckvPlan, shape: ReproduceShape): number {
  return standardSlots * kvBytesPerToken(shape, identityMap(shape.layers), "f16");
}

/** Times that a prompt is encoded. */
export function promptRepetitions(plan: LckvPlan, tokens: number): number {
  return plan.promptRepetitions.find(({ upTo }) => tokens <= upTo)!.repetitions;
}
