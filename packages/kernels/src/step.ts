import type { QueryWindow } from "./attention-read.ts";

/**
 * One run of a program: new tokens of one or more sequences, prefill and decode mixed. Its arrays may be
 * used again as soon as `run` has returned its promise.
 */
export type Step = {
  /** Token ids of all rows, sequence after sequence. */
  readonly tokens: Int32Array;
  readonly sequences: readonly StepSequence[];
  /** Rows whose logits are computed, ascending; may be empty (a chunk that does not end its prompt). */
  readonly outputs: Int32Array;
  /** How to sample each output; absent: nothing is sampled. Same length as `outputs`. Only where the program's logits are `vocabSize` wide. */
  readonly sampling?: readonly Sampling[];
  /** Also return the logits of all outputs. */
  readonly returnLogits?: boolean;
};

/** The part of a step that belongs to one sequence. */
export type StepSequence = {
  /** How many rows of the step are this sequence's; at least 1. */
  readonly rows: number;
  /** Logical position of its first row; the others follow. */
  readonly position: number;
  /** [kvLayers * kvHeads]: slots in use before this step, at most `position`. Row i goes to slot resident + i. */
  readonly resident: Int32Array;
  /** Page ids, table after table, KV layer by KV layer, head by head; each has ceil((resident + rows) / pageTokens). A page is written by one table of a step only; one that collects writes all of its pages. */
  readonly pages: Int32Array;
  /**
   * 0, or how many first slots are attention sinks that are seen as if they stood directly before the
   * other slots (positions inside the cache; StreamingLLM, Xiao et al. 2023): their keys are taken as
   * turned forward by `position - resident`. Nothing is rewritten.
   */
  readonly sinks: number;
  /** Takes the queries of the sequence's rows (the last ones where there are more than its window); no other sequence of the step may name it. */
  readonly queries?: QueryWindow;
  /** Adds the attention that the rows pay to `attentionSum` of the slots that they see; a new slot starts at 0 in any step. Absent: nothing is collected. */
  readonly collect?: AttentionCollection;
};

/**
 * How attention is added up per slot. A row adds to each slot the softmax that its query heads give it, reduced over
 * those that share the KV head and divided by the number of layers that attend to the KV layer, row after row (in a
 * step layer after layer, where several attend to one KV layer), in f32. A cyclic group collects in its last pass;
 * `tolerance` does not end the passes of a sequence that collects.
 */
export type AttentionCollection = {
  readonly reduce: "mean" | "max" | "sum";
  /** What scores are divided by, for this sum alone, 1e-6 to 1e6; 1: nothing. */
  readonly temperature: number;
  /**
   * Adds Gumbel noise to the scores before that division, for this sum alone, one number for each position of a slot,
   * KV layer and KV head (Keyformer, Adnan et al. 2024, arXiv 2403.09054): -ln(-ln((h + 0.5) / 2^32)), where
   * h = mix(mix(mix(seed) + position) + kvLayer * 1024 + kvHead), all modulo 2^32, and mix is the 32-bit finaliser of
   * MurmurHash3. 0 to 2^32 - 1.
   */
  readonly noiseSeed?: number;
};

/** How one token is drawn. Applied in this order: allowed, bias, penalties, temperature, top-k, top-p, min-p. */
export type Sampling = {
  /** 0: greedy (the lowest id among equal logits); else > 0. */
  readonly temperature: number;
  /** Keep the k most likely; 0: off. */
  readonly topK: number;
  /** Keep the smallest set whose probabilities sum to at least this, (0, 1]; 1: off. */
  readonly topP: number;
  /** Drop what is less likely than this share of the most likely, [0, 1]; 0: off. */
  readonly minP: number;
  /** Divides positive and multiplies negative logits of every token seen (prompt or generated), > 0; 1: off. */
  readonly repetitionPenalty: number;
  /** Subtracted once from the logit of every token generated. */
  readonly presencePenalty: number;
  /** Subtracted from the logit of every token for each time it was generated. */
  readonly frequencyPenalty: number;
  readonly seed: bigint;
  /** Which draw of this seed it is: the number of tokens generated so far. Draws are stateless. */
  readonly draw: number;
  /** Prompt, then generated tokens; may be empty when no penalty is on. */
  readonly history: Int32Array;
  /** How many of `history` are prompt. */
  readonly promptLength: number;
  /** Ids whose logits are raised by `biasValues`; where one comes twice, both count. -Infinity forbids a token. */
  readonly biasIds: Int32Array;
  readonly biasValues: Float32Array;
  /**
   * [ceil(vocabSize / 32)] bits: bit (id & 31) of word (id >> 5) is 1 where the token may be drawn; absent: all may.
   * At least one must; bits past the vocabulary say nothing. No other rule brings a token back: where the biases forbid
   * all that are left, the lowest of them is drawn.
   */
  readonly allowed?: Uint32Array;
  /** Alternatives to report with log-probabilities: -1 none at all, 0 the sampled token only. */
  readonly topLogprobs: number;
};

export type StepResult = {
  /** [outputs] sampled ids; empty when nothing was sampled. */
  readonly tokens: Int32Array;
  /** [outputs] natural log-probability of the sampled token under the model's own distribution (before `allowed`, bias, penalties and temperature); NaN where not asked for. */
  readonly logprobs: Float32Array;
  /** Per output, the most likely tokens, best first; empty where not asked for. */
  readonly top: readonly { readonly ids: Int32Array; readonly logprobs: Float32Array }[];
  /** [outputs, vocabSize] when asked for; as wide as the program's logits. */
  readonly logits?: Float32Array;
};
