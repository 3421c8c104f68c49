/** A text whose vector is asked for. */
export type EmbedRequest = {
  /** Text, or token ids taken as they are, as of `GenerateRequest`. */
  readonly prompt: string | readonly number[] | Int32Array;
  /** The mean over all tokens (default), or the last token's. */
  readonly pooling?: "mean" | "last";
  /** To length 1; default true. */
  readonly normalize?: boolean;
  /** These five as of `GenerateRequest`. */
  readonly id?: string;
  readonly priority?: number;
  readonly deadline?: number;
  readonly tenant?: string;
  readonly signal?: AbortSignal;
};

export type Embedding = {
  /** [hidden size]: rows of the model's last norm, pooled. */
  readonly vector: Float32Array;
  readonly promptTokens: number;
};
