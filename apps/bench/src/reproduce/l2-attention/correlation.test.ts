import { expect, test } from "vitest";
import { pearson, spearman } from "./correlation.ts";

test("Pearson's correlation is 1 along a rising line, -1 along a falling one, 0 where nothing varies", () => {
  expect(pearson([1, 2, 3], [10, 20, 30])).toBeCloseTo(1, 12);
  expect(pearson([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  expect(pearson([1, 2, 3], [5, 5, 5])).toBe(0);
  // By hand: deviations -1, 0, 1 and -2, 1, 1.
  expect(pearson([1, 2, 3], [0, 3, 3])).toBeCloseTo(3 / Math.sqrt(2 * 6), 12);
});

test("Spearman's correlation takes ranks, equal numbers sharing theirs", () => {
  expect(spearman([1, 2, 3, 4], [1, 8, 27, 1000])).toBeCloseTo(1, 12);
  // Ranks 0, 1, 2, 3 and 0.5, 0.5, 2, 3.
  expect(spearman([1, 2, 3, 4], [7, 7, 8, 9])).toBeCloseTo(pearson([0, 1, 2, 3], [0.5, 0.5, 2, 3]), 12);
});

test.each([
  [[], []],
  [[1], [1, 2]],
])("%j and %j do not correlate", (a, b) => {
  expect(() => pearson(a, b)).toThrow(/as many/);
});
