import type { PolicyChoice } from "./engine-options.ts";

/**
 * A continuation to be judged. It is decoded by force, a token a step, and the policy evicts as if each token had
 * been generated, so what comes out is what a model with that cache would have thought of the text.
 */
export type ScoreRequest = {
  /** As of `GenerateRequest`. */
  readonly prompt: string | readonly number[] | Int32Array;
  /** Token ids, at least one. No text: where a text is cut, its tokens may be others than the whole text's. */
  readonly continuation: readonly number[] | Int32Array;
  /** Replaces the engine's policy for this request. */
  readonly kvCache?: PolicyChoice;
  /** Also give the logits that each token is judged by; default false. */
  readonly logits?: boolean;
  /** Ends the request; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal;
};

/** One token of a continuation. */
export type ScoredToken = {
  readonly id: number;
  /** Natural logarithm of its probability after all that is before it, under the model's own distribution. */
  readonly logprob: number;
  /** Slots that its sequence had in use over all KV layers and heads, divided by their number, as it was judged. */
  readonly residentTokens: number;
  /** Pages that these took. */
  readonly pages: number;
  /** [vocabSize], in the order of ids, where they were asked for. */
  readonly logits?: Float32Array;
};
