import type { EngineInfo } from "@kvasir/core";
import type { Conditions } from "../conditions.ts";
import type { Estimate } from "./estimate.ts";
import type { NeedleTask } from "./needle-prompt.ts";
import type { Comparison } from "./paired.ts";
import type { QualitySettings } from "./quality-settings.ts";

/** Prompts of one task, length and depth. */
export type NeedleCell = {
  readonly task: NeedleTask;
  readonly length: number;
  readonly depth: number;
  readonly found: number;
  readonly n: number;
};

/** A policy with a budget and protected layers, and what it did. */
export type QualityRow = {
  readonly policy: string;
  readonly budget: number;
  /** KV layers that keep everything. */
  readonly protectLayers: readonly number[];
  /** Of the text's tokens; its interval is that of the mean loss over windows, taken to the power of e. */
  readonly perplexity: Estimate;
  /** Of it and the full cache's; paired over windows. */
  readonly perplexityRatio: Estimate;
  /** Mean Kullback-Leibler divergence of the next-token distribution from the full cache's, in nats; over windows. */
  readonly divergence: Estimate;
  /** Share of tokens before which the full cache would have chosen the same; over windows. */
  readonly sameTop: Estimate;
  /** Shares of prompts whose key is found, with Wilson's interval. */
  readonly needles: Readonly<Record<NeedleTask, Estimate>>;
  readonly cells: readonly NeedleCell[];
  /** Slots in use over all KV layers and heads, divided by their number: mean while windows are decoded. */
  readonly residentTokens: number;
  /** Bytes of the pages of one window: mean while it is decoded. */
  readonly kvBytes: number;
  /** What the full cache takes more. */
  readonly freedBytes: number;
  /** Of all windows together while they are decoded, evictions and logits included. Not the same from run to run. */
  readonly tokensPerSecond: number;
  /** Against `random` with the same budget and protected layers, on the same windows and prompts. */
  readonly againstRandom?: Readonly<Record<"perplexity" | "divergence" | "sameTop" | NeedleTask, Comparison>>;
};

/** What `quality` finds; `kvasir-bench quality --json` prints it. */
export type QualityReport = {
  readonly format: "kvasir-quality";
  readonly formatVersion: 1;
  readonly version: string;
  readonly command: string;
  readonly conditions: Conditions;
  readonly seconds: number;
  readonly model: EngineInfo;
  readonly text: { readonly source: string; readonly sha256?: string };
  readonly settings: QualitySettings;
  /** Samples of every row. */
  readonly n: { readonly windows: number; readonly tokens: number } & Readonly<Record<NeedleTask, number>>;
  /** The full cache first, then each policy, by protected layers and budget. */
  readonly rows: readonly QualityRow[];
};
