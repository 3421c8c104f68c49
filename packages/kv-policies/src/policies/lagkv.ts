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
 * authors' code never looks at it again; a tail that is larger than the budget loses its oldest tokens; a channel that
 * does not vary in the next partition counts for nothing (the code divides by zero); a prompt is evicted from at its end
 * unless `prefill: "chunk"` says after each chunk. 16 sinks as in the code; lag 128 as in kvpress (1024 in the code,
 * which needs prompts of thousands of tokens). Keys are taken as cached, after rotary embedding, as there.
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
      for (let rank = 0; rank < lag; rank++) scores[first + ranks[rank]!] = rank / lag;
    }
    return scores;
  },
});

/** Softmax over slots first..first + lag - 1 of the deviation over channels, scaled to the range of the next `lag`. */
function standingOut(vectors: Float32Array, dim: number, first: number, lag: number): Float64Array {
  const start = first * dim;
  const middle = start + lag * dim;
  const end = middle + lag * dim;
  const low = Float64Array.from(vectors.subarray(middle, middle + dim));
  const scale = low.slice(); // the highest, first
  for (let row = middle + dim; row < end; row += dim) {
    for (let c = 0; c < dim; c++) {
      const x = vectors[row + c]!;
      if (x < low[c]!) low[c] = x;
      else if (x > scale[c]!) scale[c] = x;
    }
  }
  for (let c = 0; c < dim; c++) scale[c] = scale[c]! > low[c]! ? 1 / (scale[c]! - low[c]!) : 0;

  const deviations = new Float64Array(lag);
  const scaled = new Float64Array(dim);
  for (let row = start, i = 0; row < middle; row += dim, i++) {
    let sum = 0;
    for (let c = 0; c < dim; c++) sum += scaled[c] = (vectors[row + c]! - low[c]!) * scale[c]!;
    const mean = sum / dim;
    let squares = 0;
    for (let c = 0; c < dim; c++) squares += (scaled[c]! - mean) * (scaled[c]! - mean);
    deviations[i] = Math.sqrt(squares / Math.max(1, dim - 1));
  }
  const greatest = deviations.reduce((most, x) => Math.max(most, x), 0);
  const weights = deviations.map((x) => Math.exp(x - greatest));
  const total = weights.reduce((sum, x) => sum + x, 0);
  return weights.map((x) => x / total);
}
