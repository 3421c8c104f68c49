import { definePolicy } from "../definition.ts";

/**
 * L2 norm (Devoto et al. 2024, arXiv 2406.11430): keys of low norm draw the attention, so the highest norms go first.
 * Needs no attention and chooses for each head alone. Keeps half, which the paper finds free of loss in language
 * modelling; spares the first two layers, where norm and attention hardly correlate.
 *
 * Differs from the paper's code: the 64 most recent tokens are safe (there, even the newest can go), slots stay in the
 * order of the text, decoding evicts a page at a time instead of at every step, and `minTokens` takes the place
 * of `prune_after` (a floor under the budget, not a length at which eviction starts).
 */
export const l2Norm = definePolicy({
  name: "l2-norm",
  signals: ["keyNorm"],
  defaults: { budget: 0.5, protectLayers: [0, 1], sinks: 0, recent: 64 },
  score: ({ keyNorm }) => keyNorm.map((norm) => -norm),
});
