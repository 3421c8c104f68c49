/** Of the samples of one measure. Each percentile is a sample: the smallest that so many per cent do not exceed. */
export type Percentiles = {
  readonly n: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
  /** Every half per cent from 0 to 100: 201 samples, which draw the distribution. */
  readonly quantiles: readonly number[];
};

/** Undefined where there is no sample. */
export function percentilesOf(samples: Iterable<number>): Percentiles | undefined {
  const sorted = Float64Array.from(samples).sort();
  if (sorted.length === 0) return undefined;
  const at = (percent: number) => sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length - 1e-9) - 1)]!;
  return {
    n: sorted.length,
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    p50: at(50),
    p90: at(90),
    p95: at(95),
    p99: at(99),
    max: sorted.at(-1)!,
    quantiles: Array.from({ length: 201 }, (_, i) => at(i / 2)),
  };
}
