import type { CommonOptions } from "./options.ts";

/** Tokens that an equal division gives to each head: the budget itself, or its fraction of the tokens seen. */
export function commonBudget(options: CommonOptions, seen: number): number {
  return options.budget > 1 ? options.budget : Math.ceil(options.budget * seen);
}

/** Tokens that no eviction goes below: the guarded ones, `minTokens`, one page. */
export function leastKept(options: CommonOptions, pageTokens: number): number {
  return Math.max(options.sinks + Math.max(options.recent, 1), options.minTokens, pageTokens);
}

/** Slots that a head of an unprotected layer keeps: at most `seen`, at least {@link leastKept}. */
export function headBudget(options: CommonOptions, pageTokens: number, seen: number, share: number): number {
  const wanted = wholeSlots(share * commonBudget(options, seen));
  return Math.min(seen, Math.max(wanted, leastKept(options, pageTokens)));
}

/** Rounds up; shares are float32, though, and 37/100 of 100 tokens are to be 37 slots and not 38. */
function wholeSlots(tokens: number): number {
  const nearest = Math.round(tokens);
  return Math.abs(tokens - nearest) <= tokens * 2 ** -22 ? nearest : Math.ceil(tokens);
}

/**
 * Scales shares so that those of unprotected heads have a mean of 1. Returns undefined unless all are finite, none is
 * negative and one of an unprotected head is positive.
 */
export function normaliseShares(
  shares: Float32Array,
  heads: number,
  protectLayers: readonly number[],
): Float32Array | undefined {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < shares.length; i++) {
    if (!(shares[i]! >= 0) || shares[i] === Number.POSITIVE_INFINITY) return undefined;
    if (protectLayers.includes(Math.floor(i / heads))) continue;
    sum += shares[i]!;
    count += 1;
  }
  return sum > 0 ? shares.map((share) => (share * count) / sum) : undefined;
}
