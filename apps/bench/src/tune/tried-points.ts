import { type Estimate, meanOf, tQuantile } from "../quality/estimate.ts";
import type { WindowSample } from "../quality/measure-windows.ts";

export type PointSample = Pick<WindowSample, "divergence" | "kvBytes">;

/** A candidate's number, and its budget in hundredths. */
export type Point = { readonly candidate: number; readonly percent: number };

/** Windows `from` to `to` (without it) of those that steer the search, or of those that judge its outcome. */
export type WindowRange = {
  readonly purpose: "steer" | "judge";
  readonly from: number;
  readonly to: number;
};

/** Samples of every point, one for each window, in the order of the windows. */
export type MeasurePoints = (
  points: readonly Point[],
  range: WindowRange,
) => Promise<readonly (readonly PointSample[])[]>;

/** What is known of points from the windows that steer. */
export class TriedPoints {
  readonly #measure: MeasurePoints;
  readonly #judging: number;
  readonly #samples = new Map<number, Map<number, PointSample[]>>();

  /** @param judging windows that points are judged on in the end */
  constructor(measure: MeasurePoints, judging: number) {
    this.#measure = measure;
    this.#judging = judging;
  }

  /** Measures the points on the first `windows` windows, where that is not known yet. */
  async extend(points: readonly Point[], windows: number): Promise<void> {
    const byKnown = new Map<number, Point[]>();
    const listed = new Set<PointSample[]>();
    for (const point of points) {
      const samples = this.#of(point);
      if (samples.length >= windows || listed.has(samples)) continue;
      listed.add(samples);
      byKnown.set(samples.length, [...(byKnown.get(samples.length) ?? []), point]);
    }
    for (const [from, some] of byKnown) {
      const found = await this.#measure(some, { purpose: "steer", from, to: windows });
      for (const [i, point] of some.entries()) this.#of(point).push(...found[i]!);
    }
  }

  /** Where the upper end of a point's interval will about be, once it is judged. */
  expectedHigh(point: Point, measure: keyof PointSample): number {
    const { value, high, n } = this.mean(point, measure);
    const deviation = ((high - value) * Math.sqrt(n)) / tQuantile(n - 1);
    return value + (deviation * tQuantile(this.#judging - 1)) / Math.sqrt(this.#judging);
  }

  mean(point: Point, measure: keyof PointSample): Estimate {
    return meanOf(this.#of(point).map((sample) => sample[measure]));
  }

  /** Points of a candidate that are known from so many windows. */
  known(candidate: number, windows: number): Point[] {
    return [...(this.#samples.get(candidate) ?? [])]
      .filter(([, samples]) => samples.length >= windows)
      .map(([percent]) => ({ candidate, percent }));
  }

  #of({ candidate, percent }: Point): PointSample[] {
    const budgets = this.#samples.get(candidate) ?? new Map<number, PointSample[]>();
    this.#samples.set(candidate, budgets);
    const samples = budgets.get(percent) ?? [];
    budgets.set(percent, samples);
    return samples;
  }
}
