import { definePolicy } from "../definition.ts";
import { sharesByDepth } from "../layer-budgets.ts";
import { snapParameters, snapScores } from "./snapkv.ts";

/**
 * PyramidKV (Cai et al. 2024, arXiv 2406.02069): lower layers spread their attention widely, higher ones gather it on a
 * few tokens. SnapKV's choice, with a budget that falls linearly with depth: the last layer has `1 / beta` of the mean, the
 * first one as much more than it. Where that is more than there is to keep, the first layer keeps everything and the
 * last one more. A window of 8, a max pool of 7 and a beta of 20 are those of the authors' LongBench runs.
 *
 * Differs from the paper, besides what SnapKV differs in: the pyramid stands on the guarded slots (sinks and `recent`; in
 * the code, on the window), over KV layers, and leaves out protected ones; budgets are rounded up, so that nothing of
 * the sum is lost to whole division; a layer whose part is less than the window still keeps its share of it, where
 * kvpress falls back to equal budgets; and with `prefill: "chunk"` the pyramid is that of the first chunk.
 */
export const pyramidkv = definePolicy({
  name: "pyramidkv",
  signals: ["attentionRecent"],
  defaults: { budget: 2048, decode: false },
  sharesBy: "layer",
  parameters: {
    ...snapParameters,
    window: { ...snapParameters.window, default: 8 },
    beta: {
      type: "number",
      default: 20,
      minimum: 1,
      maximum: 1000,
      description: "how many times the last layer's budget the mean is",
    },
  },
  attention: ({ window }) => ({ window }),
  allocate: (context) =>
    sharesByDepth(context, (mean, most, count) => {
      const first = Math.min(2 * mean - mean / context.options.beta, most);
      const last = 2 * mean - first;
      return Array.from({ length: count }, (_, depth) => {
        return count === 1 ? mean : first - ((first - last) * depth) / (count - 1);
      });
    }),
  score: ({ attentionRecent, options }) => snapScores(attentionRecent, options),
});
