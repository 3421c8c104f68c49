import { definePolicy } from "../definition.ts";
import { newestSafe } from "../newest-safe.ts";

/**
 * Keyformer (Adnan et al. 2024, arXiv 2403.09054): dropping tokens makes the softmax over those that are left more
 * uneven, so scores that are added up from it favour the few that were ahead. Gumbel noise on the logits and a
 * temperature that rises from 1 to 2 over the generation even that out. Keeps 60% of the tokens: the most recent have 30% of
 * that, those of the highest sums the rest.
 *
 * Differs from the paper: noise is a hash of `seed`, position and head, so that a request gives the same result each time;
 * sinks and `recent` tokens are safe besides; query heads that share a KV head share its noise and are averaged (the paper
 * has no such models); a page is evicted at a time, heads by turns, instead of a token at every step; a budget that is a
 * fraction grows with the text, where there the prompt fixes it; and what is evicted is gone (the code masks it).
 */
export const keyformer = definePolicy({
  name: "keyformer",
  signals: ["attentionSum"],
  defaults: { budget: 0.6 },
  parameters: {
    recentShare: {
      type: "number",
      default: 0.3,
      minimum: 0,
      maximum: 1,
      description: "part of the budget that the most recent tokens have",
    },
    temperature: {
      type: "number",
      default: 2,
      minimum: 0.01,
      maximum: 100,
      description: "of the scores at the last token generated; 1 in the prompt",
    },
    seed: { type: "integer", default: 1, minimum: 0, maximum: 65535, description: "which noise" },
  },
  attention: ({ seed, temperature }) => ({ noiseSeed: seed, temperature: [1, temperature] }),
  score: ({ attentionSum, budget, options: { recentShare } }) =>
    newestSafe(attentionSum, Math.floor(budget * recentShare)),
});
