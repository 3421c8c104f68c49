import { definePolicy } from "../definition.ts";

/**
 * Cascading KV cache (Willette et al. 2024, arXiv 2406.17808): a window that thins out with age. The budget after the
 * sinks is split into `cascades` windows of equal size; the newest holds every token, the next one in two, the next one
 * in four: within each group of tokens that a window has one place for, the one that received most attention stays. So
 * a budget of B covers about B * (2^cascades - 1) / cascades tokens of text.
 *
 * Differs from the paper: which tokens share a place goes by their position in the text (aligned groups of 2, 4, 8, ...)
 * instead of by the order in which ring buffers took them, so that it is a rule about slots and not a state; attention
 * is the mean over the queries that could see a token (the code's moving average, which decays by 0.9999999, is in
 * effect the sum, which favours the older of two a little); places that nothing takes go to what received most; the
 * prompt is attended to before it is evicted from; positions are those of the text, not those inside the cache; 4 sinks
 * (the code: 64).
 */
export const cascadingKv = definePolicy({
  name: "cascading-kv",
  signals: ["position", "attentionSum"],
  defaults: { budget: 0.5, sinks: 4, recent: 1 },
  parameters: {
    cascades: { type: "integer", default: 4, minimum: 1, maximum: 16, description: "windows, each sparser" },
  },
  score: ({ position, attentionSum, resident, seen, budget, options: { cascades, sinks } }) => {
    const places = Math.max(1, Math.floor((budget - sinks) / cascades));
    const scores = new Float32Array(resident);
    // Slots ascend in position, so those of one group follow each other. Sinks stay, and take no token's place.
    let lastGroup = -1;
    let holder = -1;
    let most = 0;
    for (let slot = sinks; slot < resident; slot++) {
      const token = position[slot]!;
      const queries = Math.max(1, seen - token);
      // Windows 0..i cover places * (2^(i+1) - 1) tokens.
      const cascade = Math.min(cascades - 1, 31 - Math.clz32(Math.floor((queries - 1) / places) + 1));
      const group = cascade * 2 ** 32 + Math.floor(token / 2 ** cascade);
      const received = attentionSum[slot]! / queries;
      const wins = group !== lastGroup || received >= most;
      // The winners of their groups first, of which ties let the newest stay; then what received most.
      scores[slot] = wins ? 2 : Math.min(1, received);
      if (!wins) continue;
      if (group === lastGroup) scores[holder] = Math.min(1, most);
      lastGroup = group;
      holder = slot;
      most = received;
    }
    return scores;
  },
});
