import { type Estimate, meanOf, shareOf } from "./estimate.ts";

/** What two sides' difference on the same samples says. */
export type Verdict = "better" | "worse" | "no different";

export type Comparison = {
  /** Of this side minus the other. */
  readonly difference: Estimate;
  /** `no different` where the interval holds 0. */
  readonly verdict: Verdict;
};

function comparison(difference: Estimate, lowerIsBetter: boolean): Comparison {
  const { low, high } = difference;
  if (low <= 0 && high >= 0) return { difference, verdict: "no different" };
  return { difference, verdict: high < 0 === lowerIsBetter ? "better" : "worse" };
}

/** Means over the same samples, lower is better: Student's t interval of the differences. */
export function compareMeans(ours: readonly number[], theirs: readonly number[]): Comparison {
  requireSameLength(ours.length, theirs.length);
  return comparison(meanOf(ours.map((value, i) => value - theirs[i]!)), true);
}

/**
 * Shares of the same trials, higher is better: the score interval for paired proportions (method 10 of
 * R. G. Newcombe, "Improved confidence intervals for the difference between binomial proportions based on paired
 * data", Statistics in Medicine 17, 1998).
 */
export function compareShares(ours: readonly boolean[], theirs: readonly boolean[]): Comparison {
  requireSameLength(ours.length, theirs.length);
  const n = ours.length;
  const count = (a: boolean, b: boolean) => ours.filter((mine, i) => mine === a && theirs[i] === b).length;
  const both = count(true, true);
  const onlyOurs = count(true, false);
  const onlyTheirs = count(false, true);
  const neither = count(false, false);
  const [p, q] = [shareOf(both + onlyOurs, n), shareOf(both + onlyTheirs, n)];
  const phi = correlation(both, onlyOurs, onlyTheirs, neither);
  const value = (onlyOurs - onlyTheirs) / n;
  const reach = (a: number, b: number) => Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
  const low = value - reach(p.value - p.low, q.high - q.value);
  const high = value + reach(p.high - p.value, q.value - q.low);
  return comparison({ value, low, high, n }, false);
}

/** Of two sides' outcomes, with Newcombe's correction where it is positive. */
function correlation(both: number, onlyOurs: number, onlyTheirs: number, neither: number): number {
  const margins = (both + onlyOurs) * (onlyTheirs + neither) * (both + onlyTheirs) * (onlyOurs + neither);
  if (margins === 0) return 0;
  const determinant = both * neither - onlyOurs * onlyTheirs;
  const n = both + onlyOurs + onlyTheirs + neither;
  return (determinant > 0 ? Math.max(determinant - n / 2, 0) : determinant) / Math.sqrt(margins);
}

function requireSameLength(ours: number, theirs: number): void {
  if (ours !== theirs) {
    throw new RangeError(`expected as many samples on both sides, received ${ours} and ${theirs}`);
  }
}
