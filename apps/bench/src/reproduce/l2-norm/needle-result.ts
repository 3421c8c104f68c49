import type { Configuration } from "../../quality/configuration.ts";

export type NeedlePlace = { readonly length: number; readonly depth: number };

/** Which prompts' keys one configuration found: every digit, by greedy decoding. */
export type NeedleRun = Configuration & {
  /** One for each prompt. */
  readonly found: readonly boolean[];
};

/** Prompts with a hidden key, alike in all configurations. */
export type NeedleResult = {
  readonly places: readonly NeedlePlace[];
  /** The full cache first. */
  readonly runs: readonly NeedleRun[];
};
