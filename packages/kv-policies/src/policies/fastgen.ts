import { leastKept } from "../budget.ts";
import { definePolicy } from "../definition.ts";
import type { CommonOptions } from "../options.ts";
import { selectHighest } from "../selection.ts";

/** What a head keeps, as its profile says; the guarded slots in any case. */
const Kept = { everything: 0, guarded: 1, frequent: 2, frequentAndLocal: 3 } as const;

/**
 * FastGen (Ge et al. 2023, arXiv 2310.01801): heads attend in few ways, and keep to theirs. At the prompt's end each
 * head gets the cheapest of these that recovers the wanted part of its attention, and keeps to it: the guarded
 * tokens; those and the `frequent` part of highest accumulated attention; those and the `local` part that is newest; everything.
 * Parts of 0.3 of the text as in the paper, recovery 0.95 as in the middle of its tables.
 *
 * Differs from the paper: a policy does not see which tokens are special or punctuation, so sinks and `recent` tokens
 * take their place; recovery is the attention that the newest `window` queries of the prompt pay to what is kept (the L1
 * distance to the paper's renormalised attention is twice what is missing; there, over all queries of the prompt);
 * with grouped queries a KV head is profiled by the mean of its query heads; `budget` may set a ceiling; while
 * decoding a head is looked at once a page.
 */
export const fastgen = definePolicy({
  name: "fastgen",
  signals: ["attentionRecent", "attentionSum"],
  signalsOnce: ["attentionRecent"],
  sizesItself: true,
  parameters: {
    recovery: { type: "number", default: 0.95, minimum: 0, maximum: 1, description: "attention to recover" },
    frequent: {
      type: "number",
      default: 0.3,
      minimum: 0,
      maximum: 1,
      description: "part of the tokens that frequent ones are",
    },
    local: {
      type: "number",
      default: 0.3,
      minimum: 0,
      maximum: 1,
      description: "part that local ones are",
    },
    window: { type: "integer", default: 64, minimum: 1, maximum: 512, description: "queries that profile" },
  },
  attention: ({ window }) => ({ window }),
  profile: async ({ layers, heads, resident, seen, pageTokens, options, signals }) => {
    const profile = new Float32Array(layers * heads);
    const ways = [Kept.guarded, Kept.frequent, Kept.frequentAndLocal];
    for (let i = 0; i < profile.length; i++) {
      const [layer, head] = [Math.floor(i / heads), i % heads];
      const { attentionRecent, attentionSum } = await signals(layer, head);
      const paid = attentionRecent.reduce((sum, received) => sum + received, 0);
      const place = { seen, pageTokens, options, budget: resident(layer, head) };
      const recovers = (way: number) =>
        keptSlots(way, attentionSum, place).reduce((sum, slot) => sum + attentionRecent[slot]!, 0) >=
        options.recovery * paid;
      profile[i] = paid > 0 ? (ways.find(recovers) ?? Kept.everything) : Kept.everything;
    }
    return profile;
  },
  select: (context) => keptSlots(context.profile, context.attentionSum, context),
});

interface Place {
  readonly seen: number;
  readonly pageTokens: number;
  /** Most slots to keep, and at most what there are. */
  readonly budget: number;
  readonly options: CommonOptions & { readonly frequent: number; readonly local: number };
}

function keptSlots(
  way: number,
  attentionSum: Float32Array,
  { seen, pageTokens, budget, options }: Place,
): Int32Array {
  const { sinks, frequent, local } = options;
  const recent = Math.max(options.recent, 1);
  const newest = way === Kept.frequentAndLocal ? Math.max(recent, Math.ceil(local * seen)) : recent;
  const others = way === Kept.guarded ? 0 : Math.ceil(frequent * seen);
  const wanted = way === Kept.everything ? budget : sinks + others + newest;
  const count = Math.min(budget, Math.max(wanted, leastKept(options, pageTokens)));
  return selectHighest(
    attentionSum,
    count,
    Math.min(sinks, count),
    Math.max(0, Math.min(newest, count - sinks)),
  );
}
