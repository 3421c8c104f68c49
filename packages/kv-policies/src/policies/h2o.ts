import { definePolicy } from "../definition.ts";
import { newestSafe } from "../newest-safe.ts";

/**
 * H2O (Zhang et al. 2023, arXiv 2306.14048): a few tokens, the heavy hitters, receive most of the attention and go on
 * doing so. Keeps those that received most from all queries so far, and the most recent ones: half of the budget each.
 * A fifth of the tokens in all, as in the paper's experiments.
 *
 * Differs from the paper: sinks and `recent` tokens are safe besides; query heads that share a KV head are averaged (the
 * code gives each its own cache); while decoding a page is evicted at a time, heads by turns, instead of a token at
 * every step; and a budget that is a fraction grows with the text, where the code fixes it by the prompt. As there, sums
 * are plain, which favours early tokens; `normalise` divides them by the queries that could see the token, as
 * NVIDIA's kvpress does. Positions are those of the text, as in all of the code but its streaming class.
 */
export const h2o = definePolicy({
  name: "h2o",
  signals: ["attentionSum", "position"],
  defaults: { budget: 0.2 },
  parameters: {
    recentShare: {
      type: "number",
      default: 0.5,
      minimum: 0,
      maximum: 1,
      description: "part of the budget that the most recent tokens have",
    },
    normalise: {
      type: "boolean",
      default: false,
      description: "divide attention by the number of queries that could see the token",
    },
  },
  score: ({ attentionSum, position, seen, budget, options: { normalise, recentShare } }) => {
    const scores = normalise
      ? attentionSum.map((received, slot) => received / (seen - position[slot]!))
      : attentionSum;
    return newestSafe(scores, Math.floor(budget * recentShare));
  },
});
