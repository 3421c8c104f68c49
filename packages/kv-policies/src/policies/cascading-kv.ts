import { definePolicy } from "../definition.ts";

/**
 * Cascading KV cache (Willette et al. 2024, arXiv 2406.17808): a window that thins out with age. The budget after the
 * sinks is split into `cascades` windows of equal size; the newest holds every token, the next one in two, the next one
 * in four: within each group of tokens that a window has one place for, the one that received most attention stays. So
 * a budget of B covers about B * (2^cascades - 1) / cascades tokens of text.
 *
 * Differs from the paper: which tokens share a place goes by their position in the text (aligned groups of 2, 4, 8, ...)
 * instead of by the order in which ring buffers took them, so that it is a rule about slots and not a state; attention
 * is the sum that a token received, divided by the queries that could see it (with the code's decay of 0.9999999, the same
 * but for the sum's scale); positions are those of the text, not those inside the cache; 4 sinks (the code: 64).
 */
export const cascadingKv = definePolicy({
  name: "cascading-kv",
  signals: ["position", "attentionSum"],
  defaults: { budget: 0.5, sinks: 4, recent: 1 },
  parameters: {
    cascades: { type: "integer", default: 4, minimum: 1, maximum: 16, description: "windows, each sparser" },
  },
  score: ({ position, attentionSum, seen, budget, options: { cascades, sinks } }) => {
    const places = Math.max(1, Math.floor((budget - sinks) / cascades));
    const received = (slot: number) => attentionSum[slot]! / Math.max(1, seen - position[slot]!);
    const best = new Map<number, number>();
    const groups = Array.from(position, (token, slot) => {
      if (slot < sinks) return slot; // stays, and takes no other token's place
      const age = seen - 1 - token;
      // Windows 0..i cover places * (2^(i+1) - 1) tokens.
      const cascade = Math.min(cascades - 1, Math.floor(Math.log2(Math.floor(age / places) + 1)));
      const group = (cascade + 1) * 2 ** 32 + Math.floor(token / 2 ** cascade);
      const holder = best.get(group);
      if (holder === undefined || received(slot) >= received(holder)) best.set(group, slot);
      return group;
    });
    // The winners of their groups first, the newest of them first; then what received most.
    return Float32Array.from(groups, (group, slot) =>
      best.get(group) === slot ? 2 + position[slot]! : Math.min(1, received(slot)),
    );
  },
});
