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
