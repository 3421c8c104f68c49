import { definePolicy } from "../definition.ts";
import { newestSafe } from "../newest-safe.ts";
import type { PolicyParameters } from "../options.ts";
import { type Pooling, pooled } from "../pooling.ts";

export const snapParameters = {
  window: {
    type: "integer",
    default: 32,
    minimum: 1,
    maximum: 512,
    description: "newest tokens whose queries are observed; they stay themselves",
  },
  kernel: {
    type: "integer",
    default: 7,
    minimum: 1,
    maximum: 255,
    description: "neighbouring slots whose attention is pooled",
  },
  pooling: { type: "choice", values: ["avg", "max"], default: "max", description: "how it is pooled" },
} as const satisfies PolicyParameters;

/**
 * SnapKV (Li et al. 2024, arXiv 2404.14469): what the end of a prompt attends to is what its answer will attend to. The
 * attention that the last `window` queries pay to each token before them is added up and pooled over neighbours, so
 * that details keep their surroundings; the highest stay, and the window itself. Chosen once, at the prompt's end; generated
 * tokens all stay. 2048 tokens, a window of 32 and a max pool of 7 are those of the paper's LongBench runs.
 *
 * Differs from the paper: sinks and `recent` tokens are safe besides; query heads that share a KV head are averaged before
 * the pool (the code caches keys and values for each query head). With `decode: true`, slots are chosen again while
 * decoding, and neighbours are those that are left.
 */
export const snapkv = definePolicy({
  name: "snapkv",
  signals: ["attentionRecent"],
  defaults: { budget: 2048, decode: false },
  parameters: snapParameters,
  attention: ({ window }) => ({ window }),
  score: ({ attentionRecent, options }) => snapScores(attentionRecent, options),
});

/** Pooled attention of the slots before the window, which stays. */
export function snapScores(
  attentionRecent: Float32Array,
  {
    window,
    kernel,
    pooling,
  }: { readonly window: number; readonly kernel: number; readonly pooling: Pooling },
): Float32Array {
  const before = attentionRecent.subarray(0, Math.max(0, attentionRecent.length - window));
  const scores = new Float32Array(attentionRecent.length);
  scores.set(pooled(before, kernel, pooling));
  return newestSafe(scores, window);
}
