import { leastKept } from "../budget.ts";
import { definePolicy } from "../definition.ts";
import { selectHighest } from "../selection.ts";

/**
 * CORM (Dai et al. 2024, arXiv 2404.15949): queries that are close to each other attend to the same keys, so a key that
 * none of the newest `window` queries paid an equal share of its attention is not needed for the next. Those go; there is
 * no budget, the cache is as large as the text makes it.
 *
 * Differs from the paper: sinks are safe, besides the 256 most recent tokens; `budget` may set a ceiling, above which
 * the tokens that fewest queries found important go, too; with grouped queries a key stays if any query head of the
 * group needs it; and while decoding a head is looked at once a page, by turns, instead of at every step. 256 for
 * the window and for recent tokens, and an equal share as what counts, were not checked against the authors' code.
 */
export const corm = definePolicy({
  name: "corm",
  signals: ["attentionCount"],
  sizesItself: true,
  defaults: { recent: 256 },
  parameters: {
    window: {
      type: "integer",
      default: 256,
      minimum: 1,
      maximum: 512,
      description: "newest queries that have a say",
    },
    threshold: {
      type: "number",
      default: 1,
      minimum: 0.001,
      maximum: 1000,
      description: "what one of them must pay, in equal shares",
    },
  },
  attention: ({ window, threshold }) => ({ window, threshold }),
  select: ({ attentionCount, resident, budget, pageTokens, options }) => {
    const { sinks } = options;
    const recent = Math.max(options.recent, 1);
    const important = attentionCount.subarray(sinks, resident - recent).filter((count) => count > 0).length;
    const wanted = Math.max(sinks + important + recent, leastKept(options, pageTokens));
    return selectHighest(attentionCount, Math.min(wanted, budget), sinks, recent);
  },
});
