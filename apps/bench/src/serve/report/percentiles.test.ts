import fc from "fast-check";
import { expect, test } from "vitest";
import { percentilesOf } from "./percentiles.ts";

test("a percentile is the smallest sample that so many per cent of the samples do not exceed", () => {
  const numbers = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(numbers, (samples) => {
      const found = percentilesOf(samples)!;
      const sorted = samples.toSorted((a, b) => a - b);
      const naive = (percent: number) =>
        sorted.find(
          (value) => sorted.filter((other) => other <= value).length * 100 >= percent * sorted.length,
        )!;
      expect([found.p50, found.p90, found.p95, found.p99]).toEqual([50, 90, 95, 99].map(naive));
      expect(found.max).toBe(sorted.at(-1));
      expect(found.quantiles).toHaveLength(201);
      expect([found.quantiles[0], found.quantiles[200]]).toEqual([sorted[0], sorted.at(-1)]);
    }),
  );
});

test("of 1 to 100 they are the numbers themselves, in whatever order they come", () => {
  const samples = Array.from({ length: 100 }, (_, i) => ((i * 37) % 100) + 1);
  expect(percentilesOf(samples)).toMatchObject({
    n: 100,
    mean: 50.5,
    p50: 50,
    p90: 90,
    p95: 95,
    p99: 99,
    max: 100,
  });
});

test("no samples, no percentiles", () => {
  expect(percentilesOf([])).toBeUndefined();
});
