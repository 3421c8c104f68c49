import type { Estimate } from "../../quality/estimate.ts";
import type { Comparison } from "../../quality/paired.ts";

/** `1.08 [1.05, 1.11]`: a value and its 95 % interval, which one sample does not have. */
export function estimateText({ value, low, high }: Estimate, digits: number): string {
  const [middle, from, to] = [value, low, high].map((number) => number.toFixed(digits));
  return Number.isFinite(high) ? `${middle} [${from}, ${to}]` : `${middle}`;
}

/** `83 % [65, 93]`. */
export const shareText = ({ value, low, high }: Estimate): string =>
  `${(100 * value).toFixed(0)} % [${(100 * low).toFixed(0)}, ${(100 * high).toFixed(0)}]`;

export const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** For a table: against the same number of slots at random. */
export const verdictText = (comparison: Comparison | undefined): string => comparison?.verdict ?? "";
