import type { EngineInfo } from "@kvasir/core";
import type { Conditions } from "../conditions.ts";
import type { Configuration } from "../quality/configuration.ts";
import type { Estimate } from "../quality/estimate.ts";
import type { Limits } from "./search.ts";
import type { TuneSettings } from "./tune-settings.ts";

/** A policy with a budget and protected layers, judged on windows that steered nothing. */
export type TunePoint = Configuration & {
  /** Bytes of the pages of one request, mean while it decodes; over windows. */
  readonly kvBytes: Estimate;
  /** Mean Kullback-Leibler divergence of the next-token distribution from the full cache's, in nats; over windows. */
  readonly divergence: Estimate;
  /** What `kvasir-server` takes to do this. */
  readonly flags: readonly string[];
};

/** A policy whose divergence is higher at a larger budget, by more than chance: bisection may have missed a budget. */
export type Rise = Pick<Configuration, "policy" | "protectLayers"> & {
  readonly fromBudget: number;
  readonly toBudget: number;
};

/** What `tune` finds; `kvasir-bench tune --json` prints it. */
export type TuneReport = {
  readonly format: "kvasir-tune";
  readonly formatVersion: 1;
  readonly version: string;
  readonly command: string;
  readonly conditions: Conditions;
  readonly seconds: number;
  readonly model: EngineInfo;
  readonly text: { readonly source: string; readonly sha256?: string };
  readonly settings: TuneSettings;
  /** In bytes, also where a share was given, and nats. Both hold for the upper ends of intervals. */
  readonly limits: Limits;
  readonly n: {
    /** Windows that points were judged on, and their judged tokens. */
    readonly windows: number;
    readonly tokens: number;
    /** Policies with protected layers. */
    readonly candidates: number;
    /** Windows that were run in all, those of the full cache left out. */
    readonly runs: number;
  };
  /** The full cache, which everything is compared with. */
  readonly full: TunePoint;
  /** Judged points within both limits that no other of them beats in memory and divergence; least memory first. */
  readonly frontier: readonly TunePoint[];
  /** Where the frontier is empty: the point nearest to it within memory, and at tolerable divergence. */
  readonly nearest: readonly TunePoint[];
  /** All judged points. */
  readonly judged: readonly TunePoint[];
  readonly rises: readonly Rise[];
};
