import type { Conditions } from "../conditions.ts";
import type { Spread } from "../spread.ts";
import type { Agreement } from "./divergence.ts";
import type { Lengths, MeasureName } from "./measure.ts";
import type { ModelFacts } from "./model-facts.ts";
import type { SideInfo } from "./side.ts";

/** One measure of both sides. */
export type ComparisonRow = {
  readonly measure: MeasureName;
  readonly label: string;
  readonly unit: "tok/s" | "ms" | "MiB";
  readonly ours: Spread;
  readonly peer: Spread;
  /** How many times better Kvasir is, of each repetition: faster, sooner or smaller. */
  readonly ratio: Spread;
};

/** What `compare` finds; `kvasir-bench compare --json` prints it. */
export type Comparison = {
  readonly model: ModelFacts;
  readonly threads: number;
  readonly repetitions: number;
  readonly lengths: Lengths;
  readonly seed: number;
  readonly conditions: Conditions;
  readonly ours: SideInfo;
  readonly peer: SideInfo;
  readonly agreement: Agreement;
  readonly rows: readonly ComparisonRow[];
};
