import { type Comparison, compareMeans } from "../../quality/paired.ts";
import { type Spread, spreadOf } from "../../spread.ts";
import type { LatencyResult, StreamResult, Variant } from "./streaming-result.ts";

export type LatencyRow = {
  readonly variant: Variant;
  readonly cache: number;
  readonly ms: Spread;
  /** Of the latency to that of the standard model, taken within each repetition; undefined for that itself. */
  readonly ratio: Spread | undefined;
  readonly kvBytes: number;
  readonly weightBytes: number;
};

/** All measured sizes in order, the standard model first in each. */
export function latencyRows(results: readonly LatencyResult[]): LatencyRow[] {
  const all = results.flatMap(({ rows }) => rows);
  return all
    .map(({ variant, cache, ms, kvBytes, weightBytes }) => {
      const standard = all.find((one) => one.variant === "standard" && one.cache === cache);
      const ratio =
        variant === "standard" || !standard
          ? undefined
          : spreadOf(ms.map((time, i) => time / standard.ms[i]!));
      return { variant, cache, ms: spreadOf(ms), ratio, kvBytes, weightBytes };
    })
    .sort((a, b) => a.cache - b.cache);
}

/** A cache of a stream. */
export type Stream = StreamResult["rows"][number];

export const streamOf = ({ rows }: StreamResult, cache: number, sinks: number): Stream | undefined =>
  rows.find((row) => row.cache === cache && row.sinks === sinks);

const mean = (losses: readonly number[]): number =>
  losses.reduce((sum, loss) => sum + loss, 0) / losses.length;

/** Of all whole buckets. */
export const perplexity = (losses: readonly number[]): number => Math.exp(mean(losses));

/** A stream's loss minus another's on the same buckets of text, from the first that begins behind `from` tokens. */
export function compareStreams(
  losses: readonly number[],
  others: readonly number[],
  { bucket, from }: { readonly bucket: number; readonly from: number },
): Comparison | undefined {
  const first = Math.ceil(from / bucket);
  const end = Math.min(losses.length, others.length);
  if (end - first < 2) return undefined;
  return compareMeans(losses.slice(first, end), others.slice(first, end));
}

/** Whether a stream falls further behind another with time: its excess in the later half of buckets minus that in the earlier. */
export function driftOf(
  losses: readonly number[],
  others: readonly number[],
  first: number,
): Comparison | undefined {
  const end = Math.min(losses.length, others.length);
  const half = Math.floor((end - first) / 2);
  if (half < 2) return undefined;
  const excess = (from: number) =>
    Array.from({ length: half }, (_, i) => losses[from + i]! - others[from + i]!);
  return compareMeans(excess(first + half), excess(first));
}
