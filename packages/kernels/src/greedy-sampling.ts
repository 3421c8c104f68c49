import type { Sampling } from "./step.ts";

/** The likeliest token, without penalties, biases or log-probabilities: a base to spread one's own settings over. */
export const greedySampling: Sampling = Object.freeze({
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0n,
  draw: 0,
  history: new Int32Array(0),
  promptLength: 0,
  biasIds: new Int32Array(0),
  biasValues: new Float32Array(0),
  topLogprobs: -1,
});
