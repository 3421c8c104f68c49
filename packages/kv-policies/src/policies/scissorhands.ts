import { definePolicy } from "../definition.ts";

/**
 * Scissorhands (Liu et al. 2023, arXiv 2305.17118): what was important once stays important. Counts how many of the
 * newest `window` queries paid a token at least an equal share of their attention; the lowest counts go. Keeps a fifth,
 * which is as far as the paper goes.
 *
 * Differs from the paper: a token younger than the window is judged by the queries that could see it (as cold-compress,
 * an implementation by others, does); a window of 128 queries instead of 400, as all of them are kept in memory and
 * read again at each eviction; sinks are safe, besides the 10 most recent tokens; query heads that share a KV head are
 * averaged; each layer has the same budget; and while decoding a page is evicted at a time, heads by turns.
 */
export const scissorhands = definePolicy({
  name: "scissorhands",
  signals: ["attentionCount", "position"],
  defaults: { budget: 0.2, recent: 10 },
  parameters: {
    window: {
      type: "integer",
      default: 128,
      minimum: 1,
      maximum: 512,
      description: "newest queries that count",
    },
    threshold: {
      type: "number",
      default: 1,
      minimum: 0.001,
      maximum: 1000,
      description: "what they must pay, in equal shares",
    },
  },
  attention: ({ window, threshold }) => ({ window, threshold }),
  score: ({ attentionCount, position, seen, options: { window } }) =>
    attentionCount.map((count, slot) => count / Math.min(window, seen - position[slot]!)),
});
