import { expect, test } from "vitest";
import { meanOf, shareOf, tQuantile } from "./estimate.ts";

test.each([
  [1, 12.7062],
  [2, 4.3027],
  [3, 3.1824],
  [4, 2.7764],
  [5, 2.5706],
  [7, 2.3646],
  [11, 2.201],
  [15, 2.1314],
  [30, 2.0423],
  [120, 1.9799],
  [10_000, 1.9602],
])("with %d degrees of freedom, 95 %% of Student's t lies within %d", (degrees, quantile) => {
  expect(Math.abs(tQuantile(degrees) - quantile)).toBeLessThan(1e-3);
});

test("a mean has Student's interval, and one sample bounds nothing", () => {
  // Mean 3, standard deviation sqrt(2.5).
  const { value, low, high, n } = meanOf([1, 2, 3, 4, 5]);
  expect([value, n]).toEqual([3, 5]);
  expect(high - 3).toBeCloseTo(2.7764 * Math.sqrt(2.5 / 5), 3);
  expect(3 - low).toBeCloseTo(high - 3, 12);
  expect(meanOf([4, 4, 4])).toEqual({ value: 4, low: 4, high: 4, n: 3 });
  expect(meanOf([7])).toEqual({ value: 7, low: -Infinity, high: Infinity, n: 1 });
  expect(() => meanOf([])).toThrow(/samples/);
});

test.each([
  // Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
  [81, 263, 0.2553, 0.3662],
  [15, 148, 0.0624, 0.1605],
  [0, 20, 0, 0.1611],
  [1, 29, 0.0061, 0.1718],
])("%d of %d lies in Wilson's interval %d to %d", (found, n, low, high) => {
  const share = shareOf(found, n);
  expect(share.value).toBe(found / n);
  expect(share.low).toBeCloseTo(low, 4);
  expect(share.high).toBeCloseTo(high, 4);
  const lost = shareOf(n - found, n);
  expect(lost.low).toBeCloseTo(1 - share.high, 12);
  expect(lost.high).toBeCloseTo(1 - share.low, 12);
});

test.each([
  [1, 0],
  [-1, 3],
  [4, 3],
])("%d of %d is no share", (found, n) => {
  expect(() => shareOf(found, n)).toThrow(/found/);
});

test("an interval holds the true mean about 95 times in 100", () => {
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  // A sum of 12 uniform numbers is as good as normal, with mean 6.
  const normal = () => Array.from({ length: 12 }, random).reduce((a, b) => a + b);
  const holds = Array.from({ length: 4000 }, () => meanOf(Array.from({ length: 6 }, normal)));
  const inside = holds.filter(({ low, high }) => low <= 6 && high >= 6).length / 4000;
  expect(inside).toBeGreaterThan(0.94);
  expect(inside).toBeLessThan(0.96);
});
