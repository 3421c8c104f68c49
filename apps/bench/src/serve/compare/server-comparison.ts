import type { Conditions } from "../../conditions.ts";
import type { Spread } from "../../spread.ts";
import type { LatencyName, LoadSettings } from "../load-settings.ts";
import type { Measured } from "../load-target.ts";
import type { ServerIdentity } from "../server-identity.ts";

/** One measure of both servers. */
export type ServerRow = {
  readonly label: string;
  readonly unit: "ms" | "tok/s" | "requests/s";
  readonly first: Spread;
  readonly second: Spread;
  /** How many times better the first is, of each repetition: faster or sooner. */
  readonly ratio: Spread;
};

/** What `kvasir-bench serve --compare-url` finds. */
export type ServerComparison = {
  readonly version: string;
  readonly command: string;
  readonly conditions: Conditions;
  readonly settings: LoadSettings;
  readonly repetitions: number;
  readonly servers: readonly [ServerIdentity, ServerIdentity];
  readonly rows: readonly ServerRow[];
  /** Prompt tokens from a cache, of all: of each server, over all repetitions; absent where one does not say. */
  readonly hitRates: readonly [number | undefined, number | undefined];
  readonly violations: readonly string[];
};

type Measure = {
  readonly label: string;
  readonly unit: ServerRow["unit"];
  /** Undefined where a run has no such number. */
  readonly of: (measured: Measured) => number | undefined;
};

const latency = (label: string, name: LatencyName, percentile: "p50" | "p99"): Measure => ({
  label: `${label} ${percentile}`,
  unit: "ms",
  of: ({ latencies }) => latencies[name]?.[percentile],
});

/** What is compared, in the order of the table. */
export const serverMeasures: readonly Measure[] = [
  { label: "requests", unit: "requests/s", of: ({ rates }) => rates.requests },
  { label: "output", unit: "tok/s", of: ({ rates }) => rates.output },
  { label: "prompts", unit: "tok/s", of: ({ rates }) => rates.prompt },
  { label: "goodput", unit: "requests/s", of: ({ goodput }) => goodput?.rate },
  ...(["p50", "p99"] as const).flatMap((percentile) => [
    latency("TTFT", "ttft", percentile),
    latency("ITL", "itl", percentile),
    latency("TPOT", "tpot", percentile),
    latency("end to end", "e2e", percentile),
  ]),
];
