import type { Sampling } from "@kvasir/runtime";

const empty = new Int32Array(0);

/** Added to a logit: more than any other can have, and finite in f32. */
const certain = Float32Array.of(3e38);

/** Draws one given token, so that its log-probability is reported. @param id one element */
export function forcedSampling(id: Int32Array, draw: number): Sampling {
  return {
    temperature: 0,
    topK: 0,
    topP: 1,
    minP: 0,
    repetitionPenalty: 1,
    presencePenalty: 0,
    frequencyPenalty: 0,
    seed: 0n,
    draw,
    history: empty,
    promptLength: 0,
    biasIds: id,
    biasValues: certain,
    topLogprobs: 0,
  };
}
