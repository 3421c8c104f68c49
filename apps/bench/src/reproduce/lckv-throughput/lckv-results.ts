import type { ContextTimes, Generation } from "../generation.ts";

/** Largest batches that a memory holds, by allocation. */
export type BatchesResult = {
  readonly kind: "batches";
  /** Of the memory, and of one page. */
  readonly kvBytes: number;
  readonly pageBytes: number;
  readonly rows: readonly {
    readonly generation: Generation;
    readonly model: string;
    readonly batch: number;
    readonly pagesEach: number;
  }[];
};

/** Milliseconds of one prompt, by model and repetition. */
export type PromptResult = {
  readonly kind: "prompt";
  readonly tokens: number;
  readonly ms: Readonly<Record<string, readonly number[]>>;
};

/** Decoding steps of each model at its own largest batch. */
export type DecodeResult = {
  readonly kind: "decode";
  readonly generation: Generation;
  readonly batches: Readonly<Record<string, number>>;
  readonly steps: Readonly<Record<string, readonly ContextTimes[]>>;
};

/** Decoding steps of all models at equal batches. */
export type SweepResult = {
  readonly kind: "sweep";
  readonly generation: Generation;
  readonly rows: readonly {
    readonly batch: number;
    readonly steps: Readonly<Record<string, readonly ContextTimes[]>>;
  }[];
};

/** Whole generations, every step of them run, beside the sampled steps that stand for them elsewhere. */
export type WholeResult = {
  readonly kind: "whole";
  readonly generation: Generation;
  readonly batch: number;
  readonly rows: readonly {
    readonly model: string;
    readonly promptMs: number;
    readonly decodingMs: number;
    readonly steps: readonly ContextTimes[];
  }[];
};

/** What the machine can do; undefined rates where the device has no native kernels. */
export type RatesResult = {
  readonly kind: "rates";
  readonly device: string;
  readonly rates: { readonly operations: number; readonly readBytes: number } | null;
};

/** The standard model on Hugging Face transformers, or why it was not measured. */
export type TransformersResult = {
  readonly kind: "transformers";
  readonly run:
    | {
        readonly version: string;
        readonly threads: number;
        readonly generation: Generation;
        readonly batch: number;
        readonly promptMs: readonly number[];
        readonly steps: readonly ContextTimes[];
      }
    | { readonly missing: string };
};

export type LckvResult =
  | BatchesResult
  | PromptResult
  | DecodeResult
  | SweepResult
  | WholeResult
  | RatesResult
  | TransformersResult;
