import { leastKept } from "../budget.ts";
import { type AllocateContext, definePolicy } from "../definition.ts";
import { PolicyError } from "../errors.ts";
import type { PolicyParameters } from "../options.ts";
import { sinksAndNewest } from "../selection.ts";

/**
 * DuoAttention (Xiao et al. 2024, arXiv 2410.10819): a few heads retrieve from far back and keep everything, the others
 * get by with sinks and a window. `gates` says which: one number per head, `[layers, heads]`, from the authors' files or
 * an optimisation of one's own; the heads whose gate is at least the quantile `1 - retrieval` of all layers' gates keep
 * everything. Without gates they are measured at the end of each prompt: the attention that the newest 32 queries pay
 * beyond sinks and window.
 *
 * Differs from the paper, apart from measured gates: heads of protected layers keep everything besides, and take part in
 * the ranking; ties go to the later head (there, to chance); the whole prompt is attended to before it is evicted from;
 * `budget` may set a ceiling, above which full heads lose the oldest after the sinks; while decoding a head's window
 * slides once a page. 64 sinks and 256 recent tokens as deployed there; half the heads retrieve, as for models with
 * grouped queries (a quarter without).
 *
 * Requests fail with `INVALID_OPTION` if there are gates, but not one per KV head.
 */
export const duoAttention = definePolicy({
  name: "duo-attention",
  signals: ["attentionRecent"],
  signalsOnce: ["attentionRecent"],
  sizesItself: true,
  defaults: { sinks: 64, recent: 256 },
  parameters: {
    retrieval: { type: "number", default: 0.5, minimum: 0, maximum: 1, description: "share of full heads" },
    gates: {
      type: "numbers",
      default: [],
      minimum: 0,
      maximum: 1,
      description: "a gate per KV head, layer by layer; measured for each prompt unless given",
    },
  },
  profile: async (context) => {
    const { layers, heads } = context;
    const { gates, retrieval } = context.options;
    const count = layers * heads;
    if (gates.length !== 0 && gates.length !== count)
      throw new PolicyError(
        "INVALID_OPTION",
        "duo-attention",
        `gates: expected ${count} numbers (${layers} KV layers x ${heads} heads), or none, received ${gates.length}.`,
        { field: "gates" },
      );
    const gate = gates.length > 0 ? gates : await measuredGates(context);
    const ranked = Array.from(gate.keys()).sort((a, b) => gate[b]! - gate[a]! || b - a);
    const full = retrieval === 0 ? 0 : 1 + Math.floor(retrieval * (count - 1));
    const profile = new Float32Array(count);
    for (const head of ranked.slice(0, full)) profile[head] = 1;
    return profile;
  },
  select: ({ resident, budget, profile, pageTokens, options }) =>
    sinksAndNewest(resident, options.sinks, profile === 1 ? budget : leastKept(options, pageTokens)),
});

/** What the newest queries pay between sinks and window, per head. */
async function measuredGates({
  layers,
  heads,
  resident,
  signals,
  options: { sinks, recent },
}: AllocateContext<"attentionRecent", PolicyParameters>): Promise<number[]> {
  const gates: number[] = [];
  for (let layer = 0; layer < layers; layer++) {
    for (let head = 0; head < heads; head++) {
      const { attentionRecent } = await signals(layer, head);
      const end = resident(layer, head) - recent;
      let paid = 0;
      for (let slot = sinks; slot < end; slot++) paid += attentionRecent[slot]!;
      gates.push(paid);
    }
  }
  return gates;
}
