import { expect, test } from "vitest";
import { arrivalGaps } from "./arrivals.ts";

function gaps(count: number, ...[rate, burstiness, seed]: Parameters<typeof arrivalGaps>): number[] {
  const source = arrivalGaps(rate, burstiness, seed);
  return Array.from({ length: count }, () => source.next().value);
}

test("the same seed gives the same arrivals, and another others", () => {
  expect(gaps(50, 10, 1, 7)).toEqual(gaps(50, 10, 1, 7));
  expect(gaps(50, 10, 1, 7)).not.toEqual(gaps(50, 10, 1, 8));
});

test.each([1, 0.25, 4])("gaps of shape %d have the mean of the rate and the spread of a gamma", (shape) => {
  const drawn = gaps(20_000, 40, shape, 1);
  const mean = drawn.reduce((a, b) => a + b) / drawn.length;
  const variance = drawn.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / drawn.length;
  expect(mean).toBeCloseTo(25, -0.5);
  expect(Math.abs(variance / mean ** 2 - 1 / shape)).toBeLessThan(0.2 / shape);
  expect(Math.min(...drawn)).toBeGreaterThanOrEqual(0);
});

test("gaps of shape 1 are exponential: as many are longer than any time as a Poisson process has", () => {
  const drawn = gaps(20_000, 1000, 1, 3);
  for (const limit of [0.5, 1, 2]) {
    const share = drawn.filter((gap) => gap > limit).length / drawn.length;
    expect(Math.abs(share - Math.exp(-limit))).toBeLessThan(0.02);
  }
});
