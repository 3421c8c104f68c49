/** Samples of one measure. */
export type Spread = {
  readonly median: number;
  readonly low: number;
  readonly high: number;
  readonly samples: readonly number[];
};

/** Median, lowest and highest of one sample or more. */
export function spreadOf(samples: readonly number[]): Spread {
  if (samples.length === 0) throw new RangeError("samples: expected one or more, received none");
  const sorted = samples.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { median, low: sorted[0]!, high: sorted.at(-1)!, samples };
}
