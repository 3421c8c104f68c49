import { greedySampling, type Sampling } from "@kvasir/runtime";

/** Added to a logit: more than any other can have, and finite in f32. */
const certain = Float32Array.of(3e38);

/** Draws one given token, so that its log-probability is reported. @param id one element */
export function forcedSampling(id: Int32Array, draw: number): Sampling {
  return { ...greedySampling, draw, biasIds: id, biasValues: certain, topLogprobs: 0 };
}
