/** `stop`: end of sequence or a stop string; `length`: `maxTokens` or the end of the context. */
export type FinishReason = "stop" | "length";

export type TokenLogprob = {
  readonly id: number;
  /** The token's own bytes. */
  readonly bytes: Uint8Array;
  /** It is a control token, which the text leaves out. */
  readonly special: boolean;
  /** Natural logarithm, under the model's own distribution. */
  readonly logprob: number;
  readonly top: readonly { readonly id: number; readonly bytes: Uint8Array; readonly logprob: number }[];
};

export type Usage = {
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Prompt tokens that were not computed because they were in the cache. */
  readonly cachedTokens: number;
};

/**
 * Why not all of a prompt but its last token came from the cache. `hit`: it did. `miss`: nothing was stored from there on;
 * `evicted`: it was, and went; `partial-block`: what was stored goes on less than a block; `policy`: the eviction policy
 * needs what a cache cannot give; `chunk`: the rest of a chunk, which the layer map or policy wants whole; `off`: the cache
 * or the request says so.
 */
export type CacheReason = "hit" | "miss" | "evicted" | "partial-block" | "policy" | "chunk" | "off";

/** What became of a prompt in the prefix cache. */
export type CacheReport = {
  /** Prompt tokens that came from the cache. */
  readonly matched: number;
  /** Prompt tokens. */
  readonly total: number;
  /** Index of the first token that was computed: `matched`. */
  readonly firstDifference: number;
  readonly reason: CacheReason;
};

/** Milliseconds of a monotonic clock. */
export type Timings = {
  /** From submission to admission. */
  readonly queued: number;
  /** From admission to the first token. */
  readonly prefill: number;
  /** From the first token to the last. */
  readonly decode: number;
  /** How often it had to give its pages to others. */
  readonly preemptions: number;
};

/** One piece of an answer. The pieces' texts, concatenated, are the answer's. */
export type GenerateChunk = {
  /** Whole code points; may be empty while bytes or a possible stop string are held back. */
  readonly text: string;
  /** Ids sampled since the last piece. */
  readonly ids: readonly number[];
  /** One for each id, where `logprobs` was asked for. */
  readonly logprobs?: readonly TokenLogprob[];
  /** On the last piece only. */
  readonly finishReason?: FinishReason;
  /** On the first piece, where asked for: all prompt tokens but the first, which nothing predicts. */
  readonly promptLogprobs?: readonly TokenLogprob[];
  /** On the last piece only. */
  readonly cache?: CacheReport;
  /** On the last piece only. */
  readonly timings?: Timings;
  /** The stop string that ended the text. */
  readonly stopString?: string;
  /** On the last piece only. */
  readonly usage?: Usage;
};

export type Completion = {
  readonly text: string;
  readonly ids: readonly number[];
  readonly logprobs?: readonly TokenLogprob[];
  readonly finishReason: FinishReason;
  readonly usage: Usage;
};
