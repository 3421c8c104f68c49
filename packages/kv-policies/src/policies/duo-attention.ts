import { type AllocateContext, definePolicy } from "../definition.ts";
import type { PolicyParameters } from "../options.ts";
import { sinksAndNewest } from "../selection.ts";

/**
 * DuoAttention (Xiao et al. 2024, arXiv 2410.10819): a few heads retrieve from far back and keep everything, the others
 * get by with sinks and a window. `gates` says which: one number per head, `[layers, heads]`, from the authors' files or
 * an optimisation of one's own; the `retrieval` share of heads of highest gate, over all layers together, keep everything.
 * Without gates they are measured at the end of each prompt: the attention that the newest 32 queries pay beyond sinks
 * and window.
 *
 * Differs from the paper, apart from measured gates: heads of protected layers keep everything besides, and take part in
 * the ranking; ties go to the later head. 64 sinks and 256 recent tokens as deployed there; half the heads retrieve, as
 * for models with grouped queries (a quarter without).
 */
export const duoAttention = definePolicy({
  name: "duo-attention",
  signals: ["attentionRecent"],
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
      throw new RangeError(
        `gates: expected ${count} numbers (${layers} x ${heads}), received ${gates.length}`,
      );
    const gate = gates.length > 0 ? gates : await measuredGates(context);
    const ranked = Array.from(gate.keys()).sort((a, b) => gate[b]! - gate[a]! || b - a);
    const profile = new Float32Array(count);
    for (const head of ranked.slice(0, Math.round(retrieval * count))) profile[head] = 1;
    return profile;
  },
  select: ({ resident, budget, profile, pageTokens, options: { sinks, recent, minTokens } }) => {
    const streaming = Math.max(sinks + Math.max(recent, 1), minTokens, pageTokens);
    return sinksAndNewest(resident, sinks, profile === 1 ? budget : Math.min(budget, streaming));
  },
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
      const between = attentionRecent.subarray(sinks, Math.max(sinks, resident(layer, head) - recent));
      gates.push(between.reduce((sum, paid) => sum + paid, 0));
    }
  }
  return gates;
}
