import type { Rope } from "@kvasir/kernels";

/** The architectures that load; all are compositions of the same blocks. */
export type ModelFamily = "llama" | "mistral" | "qwen2" | "qwen3" | "lckv-llama";

/** What a checkpoint says of its model, whatever names its file format uses. All numbers are checked. */
export type ModelConfig = {
  readonly family: ModelFamily;
  readonly layers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly heads: number;
  /** Divides `heads`. */
  readonly kvHeads: number;
  /** Even. */
  readonly headDim: number;
  readonly vocabSize: number;
  readonly rmsNormEps: number;
  /** The longest sequence that the model was made for, in tokens; stretched by its rope scaling, if any. */
  readonly maxPositions: number;
  /** The output head is the embedding table. */
  readonly tiedEmbeddings: boolean;
  /** Biases on the q, k and v projections (Qwen 2, or `attention_bias`); on o (`attention_bias` of Llama); in the MLP (`mlp_bias`). */
  readonly qkvBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
  /** RMS norm over each query and key head before rotation (Qwen 3). */
  readonly qkNorm: boolean;
  readonly rope: Rope;
  /** The layer map in the syntax of published checkpoints (`0_6_6_6_7`, `s` for sliding window), one entry a layer. */
  readonly layerMap: string;
  /** Window of the map's `s` layers, in tokens; undefined where none has one. */
  readonly slidingWindow: number | undefined;
  /** LCKV: every layer attends strictly before. */
  readonly forceNodiag: boolean;
  /** LCKV: passes over a prompt chunk for a cyclic group, `forward_passes + backward_passes`; at least 1. */
  readonly passes: number;
  readonly bosId: number | undefined;
  /** From generation_config.json where it has any, else config.json; may be empty. */
  readonly eosIds: readonly number[];
};
