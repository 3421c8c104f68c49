import { definePolicy } from "../definition.ts";
import { proportionally, sharesByDepth } from "../layer-budgets.ts";
import { newestSafe } from "../newest-safe.ts";

/**
 * PyramidInfer (Yang et al. 2024, arXiv 2405.12532): the deeper a layer, the fewer tokens it needs, and its recent queries
 * agree on which. Layer after layer keeps a part of what the one before kept, from all of it down to `decay` of it along a
 * half cosine; which tokens, is said by the attention of the newest queries, averaged over all heads of the layer.
 * Budget 0.46: the paper saves 54% of the cache.
 *
 * Differs from the paper: hidden states are not pruned, so all layers compute all tokens of the prompt, and a layer may
 * keep what the one before dropped; the sum of budgets is what was asked for, and `decay` says only how they fall
 * (there, the sum follows from it); queries are the newest `window` ones with equal weights (there, a fifth of the prompt,
 * with weights from 1 to 1.2); the most recent tokens have a fifth of each layer's budget (there, of the prompt);
 * and while decoding, prompt tokens are evicted, too, a page at a time, layers by turns.
 */
export const pyramidInfer = definePolicy({
  name: "pyramid-infer",
  signals: ["attentionRecent"],
  defaults: { budget: 0.46 },
  sharesBy: "layer",
  parameters: {
    window: {
      type: "integer",
      default: 64,
      minimum: 1,
      maximum: 512,
      description: "newest queries that choose",
    },
    recentShare: {
      type: "number",
      default: 0.2,
      minimum: 0,
      maximum: 1,
      description: "part of the budget that the most recent tokens have",
    },
    decay: {
      type: "number",
      default: 0.9,
      minimum: 0.01,
      maximum: 1,
      description: "part of the layer before that the last layer keeps",
    },
  },
  attention: ({ window }) => ({ window, over: "layer" }),
  allocate: (context) =>
    sharesByDepth(context, (mean, most, count) => {
      const { decay } = context.options;
      let kept = 1;
      const weights = Array.from({ length: count }, (_, depth) => {
        kept *= decay + ((1 - decay) * (1 + Math.cos((Math.PI * depth) / count))) / 2;
        return kept;
      });
      return proportionally(weights, mean, most);
    }),
  score: ({ attentionRecent, budget, options: { recentShare } }) =>
    newestSafe(attentionRecent, Math.floor(budget * recentShare)),
});
