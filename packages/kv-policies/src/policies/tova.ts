import { definePolicy } from "../definition.ts";

/**
 * TOVA (Oren et al. 2024, arXiv 2401.06104): a transformer with a bounded cache is a recurrent network with so many
 * states; the state to drop is the one that the newest query attends to least. Attention is averaged over all heads of
 * a layer, which keep the same tokens. 512 states come within 0.4 of the full cache's perplexity at 4096 tokens.
 *
 * Differs from the paper: sinks and the 32 most recent tokens are safe (there, nothing is, not even the newest); while
 * decoding a page is dropped at a time, layers by turns, by what one query attends to, instead of a token at every
 * step; and gaps between positions are not compressed for texts longer than the model was trained for.
 */
export const tova = definePolicy({
  name: "tova",
  signals: ["attentionLast"],
  defaults: { budget: 512 },
  attention: () => ({ over: "layer" }),
  score: ({ attentionLast }) => attentionLast,
});
