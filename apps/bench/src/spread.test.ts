import { expect, test } from "vitest";
import { spreadOf } from "./spread.ts";

test("the median is the middle sample, or half way between the two", () => {
  expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, samples: [3, 1, 2] });
  expect(spreadOf([4, 1, 2, 3]).median).toBe(2.5);
});

test("numbers are ordered by size, not by their text", () => {
  expect(spreadOf([10, 9, 100])).toMatchObject({ median: 10, low: 9, high: 100 });
});

test("no samples have no spread", () => {
  expect(() => spreadOf([])).toThrow(RangeError);
});
