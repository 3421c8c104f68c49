import type { Generation } from "../generation.ts";

/** What the figure measures; lengths in tokens. */
export type CrossLayerPlan = {
  /** The memory for keys and values: so many of the standard model's slots. */
  readonly standardSlots: number;
  /** Shares of the layers that have keys and values of their own, one over this, and their parts' ranks. */
  readonly shares: readonly { readonly oneOver: number; readonly rank: number }[];
  /** With almost no prompt, and with one. */
  readonly short: Generation;
  readonly prompted: Generation;
  readonly promptRepetitions: number;
  /** Of sampled steps: lengths over a generation, and turns. */
  readonly samples: number;
  readonly repetitions: number;
  /** Decoding of all models together at one batch and length. */
  readonly equal: { readonly batch: number; readonly context: number };
};

/** Half and a quarter of the layers; the study's own generation with prompts. */
export const crossLayerPlan: CrossLayerPlan = {
  standardSlots: 8 * 4096,
  shares: [
    { oneOver: 2, rank: 0 },
    { oneOver: 4, rank: 1 },
  ],
  short: { prompt: 5, generated: 2043 },
  prompted: { prompt: 512, generated: 1024 },
  promptRepetitions: 1,
  samples: 3,
  repetitions: 3,
  equal: { batch: 8, context: 2047 },
};

/** KV layers of a share, at least 2: the first layer and a group. */
export function kvLayersOfShare(layers: number, oneOver: number): number {
  return Math.max(2, Math.round(layers / oneOver));
}
