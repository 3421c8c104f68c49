import { definePolicy } from "../definition.ts";

/**
 * LagKV (Liang et al. 2025, arXiv 2504.04704): a token matters where its key and value stand out from those that come
 * right after it. Slots after the sinks are cut into partitions of `lag`; keys and values of each are scaled, channel by
 * channel, to the range that the next partition spans; a token's score is the softmax over its partition of the
 * standard deviation over channels, of the key and of the value added. The last whole partition and what follows it
 * have nothing after them to be compared with, and stay. Needs no attention.
 *
 * Differs from the paper: the budget is of the whole head (the partitions share what the kept tail leaves, the best
 * of each first, as many of each); what was compressed once is compared again with what follows it now, where the
 * authors' code never looks at it again; a tail that is larger than the budget loses its oldest tokens. 16 sinks as in the
 * code; lag 128 as in kvpress (1024 in the code, which needs prompts of thousands of tokens).
 */
export const lagkv = definePolicy({
  name: "lagkv",
  signals: ["keys", "values"],
  defaults: { budget: 0.5, sinks: 16, recent: 1 },
  parameters: {
    lag: {
      type: "integer",
      default: 128,
      minimum: 2,
      maximum: 65536,
      description: "tokens of a partition, compared with as many after it",
    },
  },
  score: ({ keys, values, resident, options: { lag, sinks } }) => {
    const scores = new Float32Array(resident).fill(1); // of what is compared with nothing; ties go to the more recent
    for (let first = sinks; first + 2 * lag <= resident; first += lag) {
      const ofKeys = standingOut(keys, keys.length / resident, first, lag);
      const ofValues = standingOut(values, values.length / resident, first, lag);
      const order = ofKeys.map((score, i) => score + ofValues[i]!);
      // Ranks, so that each partition keeps as many: softmax scores of different partitions do not compare.
      const ranks = [...order.keys()].sort((a, b) => order[a]! - order[b]! || a - b);
      ranks.forEach((slot, rank) => {
        scores[first + slot] = rank / lag;
      });
    }
    return scores;
  },
});

/** Softmax over slots first..first + lag - 1 of the deviation over channels, scaled to the range of the next `lag`. */
function standingOut(vectors: Float32Array, dim: number, first: number, lag: number): Float64Array {
  const low = new Float64Array(dim).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(dim).fill(Number.NEGATIVE_INFINITY);
  for (let slot = first + lag; slot < first + 2 * lag; slot++) {
    for (let c = 0; c < dim; c++) {
      const x = vectors[slot * dim + c]!;
      if (x < low[c]!) low[c] = x;
      if (x > high[c]!) high[c] = x;
    }
  }
  const scaled = new Float64Array(dim);
  const deviations = new Float64Array(lag).map((_, i) => {
    let mean = 0;
    for (let c = 0; c < dim; c++) {
      const range = high[c]! - low[c]!;
      scaled[c] = range > 0 ? (vectors[(first + i) * dim + c]! - low[c]!) / range : 0; // what does not vary tells nothing
      mean += scaled[c]! / dim;
    }
    let variance = 0;
    for (let c = 0; c < dim; c++) variance += (scaled[c]! - mean) ** 2 / dim;
    return Math.sqrt(variance);
  });
  const greatest = deviations.reduce((most, x) => Math.max(most, x), 0);
  const weights = deviations.map((x) => Math.exp(x - greatest));
  const total = weights.reduce((sum, x) => sum + x, 0);
  return weights.map((x) => x / total);
}
