import { around, refuseCombination, signalsOf, wrapWhatChooses } from "../combination.ts";
import type { PolicyDefinition } from "../definition.ts";

/**
 * ChunkKV (Liu et al. 2025, arXiv 2502.00299): tokens are kept or evicted in chunks of the text, so that what belongs
 * together stays together. Each slot's score becomes the mean over its chunk: `chunkSize` consecutive tokens (10, the
 * paper's), counted from the first that is not a sink.
 *
 * Differs from the paper: where the budget ends inside a chunk, the most recent slots of that chunk fill it up, so that
 * memory is what was asked for; sinks and recent slots belong to no chunk; a chunk that was cut is scored by what is
 * left of it; and layers do not reuse each other's choice.
 * @throws PolicyError `INVALID_DEFINITION` for a policy without scores
 */
export function chunked(inner: PolicyDefinition): PolicyDefinition {
  return wrapWhatChooses("chunked", inner, (part, name) => {
    const { score } = part;
    if (!score) return refuseCombination(name, "it needs scores to average over chunks.", "score");
    const plain = around(part, { name });
    return around(part, {
      name,
      signals: signalsOf([part, { signals: ["position"] }]),
      parameters: {
        chunkSize: {
          type: "integer",
          default: 10,
          minimum: 1,
          maximum: 4096,
          description: "consecutive tokens that stay or go together",
        },
      },
      score: (context) => {
        const { position, options, resident } = context;
        const { sinks, recent, chunkSize } = options as typeof options & { readonly chunkSize: number };
        const chunkOf = (slot: number) => Math.floor((position[slot]! - sinks) / chunkSize);
        const scores = Float32Array.from(plain.score!(context));
        const end = resident - Math.max(recent, 1);
        for (let first = sinks; first < end; ) {
          let next = first + 1;
          while (next < end && chunkOf(next) === chunkOf(first)) next += 1;
          scores.fill(mean(scores.subarray(first, next)), first, next);
          first = next;
        }
        return scores;
      },
    });
  });
}

/** Of a chunk that has an infinite score and an infinitely negative one: infinite. */
function mean(scores: Float32Array): number {
  const sum = scores.reduce((a, b) => a + b, 0);
  const isUndecided = Number.isNaN(sum) && !scores.some(Number.isNaN);
  return isUndecided ? Number.POSITIVE_INFINITY : sum / scores.length;
}
