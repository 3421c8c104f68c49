import { type Estimate, meanOf, shareOf } from "../../quality/estimate.ts";
import { type Comparison, compareMeans, compareShares } from "../../quality/paired.ts";
import {
  type Encoding,
  meanLoss,
  type PassesResult,
  type PasskeyResult,
  type TextResult,
} from "./quality-result.ts";

/** A ratio of perplexities, from the paired differences of the losses. */
function ratioOf({ difference }: Comparison): Estimate {
  const { value, low, high, n } = difference;
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high), n };
}

export type PerplexityRatio = {
  /** Geometric means over windows. */
  readonly standard: number;
  readonly condensed: number;
  readonly ratio: Estimate;
  /** Of the condensed model against the standard one. */
  readonly comparison: Comparison;
};

/** Perplexity of both models on the same windows. */
export function perplexityRatio({ standard, condensed }: TextResult): PerplexityRatio {
  const [theirs, ours] = [standard.map(meanLoss), condensed.map(meanLoss)];
  const comparison = compareMeans(ours, theirs);
  const [a, b] = [Math.exp(meanLoss(theirs)), Math.exp(meanLoss(ours))];
  return { standard: a, condensed: b, ratio: ratioOf(comparison), comparison };
}

/** Tokens of a bucket of positions. */
export const bucket = 64;

export type PositionRow = {
  /** Of the bucket's first token; the first token of a text, which nothing judges, is 0. */
  readonly from: number;
  readonly standard: number;
  readonly condensed: number;
  /** [windows]: mean loss of the condensed model minus that of the standard one. */
  readonly differences: readonly number[];
};

/** Perplexity in full buckets of positions. */
export function positionRows({ standard, condensed }: TextResult): PositionRow[] {
  const count = Math.floor(Math.min(...standard.map(({ length }) => length)) / bucket);
  const inBucket = (losses: readonly (readonly number[])[], i: number) =>
    losses.map((window) => meanLoss(window.slice(i * bucket, (i + 1) * bucket)));
  return Array.from({ length: count }, (_, i) => {
    const [theirs, ours] = [inBucket(standard, i), inBucket(condensed, i)];
    return {
      from: i * bucket + 1,
      standard: Math.exp(meanLoss(theirs)),
      condensed: Math.exp(meanLoss(ours)),
      differences: ours.map((loss, window) => loss - theirs[window]!),
    };
  });
}

/** The mean difference of both models' losses in buckets below and from a position on, over buckets of windows. */
export function differencesAround(
  rows: readonly PositionRow[],
  position: number,
): { readonly below: Estimate; readonly above: Estimate } | undefined {
  const of = (some: readonly PositionRow[]) => some.flatMap(({ differences }) => differences);
  const below = of(rows.filter(({ from }) => from + bucket - 1 <= position));
  const above = of(rows.filter(({ from }) => from > position));
  if (below.length < 2 || above.length < 2) return undefined;
  return { below: meanOf(below), above: meanOf(above) };
}

export type PassesRow = {
  readonly encoding: Encoding;
  readonly perplexity: number;
  /** Of the perplexity to that of sequential encoding. */
  readonly ratio: Estimate;
  readonly comparison: Comparison;
};

/** Every encoding beside the sequential one, on the same windows. */
export function passesRows({ rows }: PassesResult): PassesRow[] {
  const sequential = rows.find(({ encoding }) => encoding === "sequential")!;
  return rows.map(({ encoding, losses }) => {
    const comparison = compareMeans(losses, sequential.losses);
    return { encoding, perplexity: Math.exp(meanLoss(losses)), ratio: ratioOf(comparison), comparison };
  });
}

export type PasskeyRow = {
  readonly encoding: Encoding | "standard";
  readonly share: Estimate;
  /** Against sequential encoding, on the same prompts. */
  readonly comparison: Comparison;
};

/** tiny, then tiny-lckv with every encoding. */
export function passkeyRows({ standard, rows }: PasskeyResult): PasskeyRow[] {
  const sequential = rows.find(({ encoding }) => encoding === "sequential")!;
  return [{ encoding: "standard" as const, found: standard }, ...rows].map(({ encoding, found }) => ({
    encoding,
    share: shareOf(found.filter(Boolean).length, found.length),
    comparison: compareShares(found, sequential.found),
  }));
}
