import type { NeedleOptions } from "./needle-prompt.ts";

/** What is measured; all of it is in the report. */
export type QualitySettings = {
  /** Names as engines take them. `full` and `random` are measured in any case. */
  readonly policies: readonly string[];
  /** Shares up to 1 of the tokens seen, or whole numbers of tokens from 2. */
  readonly budgets: readonly number[];
  /** Sets of KV layers that keep everything; every policy is measured with each. */
  readonly protect: readonly (readonly number[])[];
  /** Guards of every policy: tokens at the start and at the end that always stay. */
  readonly sinks: number;
  readonly recent: number;
  /** Windows of text, at least 2. */
  readonly windows: number;
  /** Tokens of a window that are read at once, at least 1. */
  readonly prompt: number;
  /** Tokens of a window that are decoded by force and judged, at least 1. */
  readonly tokens: number;
  /** Tokens of needle prompts. */
  readonly lengths: readonly number[];
  /** Where the key lies, from 0 to 1. */
  readonly depths: readonly number[];
  /** Prompts of a task for each length and depth, at least 1. */
  readonly samples: number;
  /** Keys in a multi-key prompt, 2 to 8. */
  readonly keys: number;
  readonly question: NeedleOptions["question"];
  readonly seed: number;
};

/** What `kvasir-bench quality` measures unless told. */
export const defaultSettings: QualitySettings = {
  policies: [
    "full",
    "random",
    "window",
    "streaming-llm",
    "l2-norm",
    "h2o",
    "snapkv",
    "tova",
    "keydiff",
    "expected-attention",
    "adaptive+snapkv",
  ],
  budgets: [0.75, 0.5, 0.25, 0.1],
  protect: [[], [0, 1]],
  sinks: 4,
  recent: 8,
  windows: 12,
  prompt: 192,
  tokens: 64,
  lengths: [192, 384],
  depths: [0, 0.25, 0.5, 0.75, 1],
  samples: 2,
  keys: 3,
  question: "seen",
  seed: 1,
};
