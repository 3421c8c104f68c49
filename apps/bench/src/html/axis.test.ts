import { expect, test } from "vitest";
import { linearAxis, logAxis } from "./axis.ts";

const pixels = { from: 100, to: 0 };

test.each([
  [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
  [0, 7, [0, 2, 4, 6, 8]],
  [0.98, 1.21, [0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.25]],
  [0, 0, [0, 0.2]],
  [3, 3, [3, 4]],
])("a linear axis for %d to %d has round ticks that hold both", (low, high, ticks) => {
  const axis = linearAxis({ low, high, ...pixels });
  expect(axis.ticks).toEqual(ticks);
  expect(axis.place(ticks[0]!)).toBeCloseTo(100, 9);
  expect(axis.place(ticks.at(-1)!)).toBeCloseTo(0, 9);
  expect(axis.place(-1e9)).toBe(100);
  expect(axis.place(1e9)).toBe(0);
});

test.each([
  [0.0002, 0.4, [0.0001, 0.001, 0.01, 0.1, 1]],
  [0.02, 0.4, [0.02, 0.05, 0.1, 0.2, 0.5]],
  [3, 4, [2, 5]],
  [1, 1, [1, 2]],
  [7, 7, [5, 10]],
  [1000, 1000, [1000, 2000]],
  [1e-12, 1, [1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]],
  [1e-11, 5, [1e-11, 1e-9, 1e-7, 1e-5, 1e-3, 0.1, 10]],
])("a logarithmic axis for %d to %d has decades, or 1, 2 and 5 where they are few", (low, high, ticks) => {
  const axis = logAxis({ low, high, ...pixels });
  expect(axis.ticks).toEqual(ticks);
  const places = ticks.map((tick) => axis.place(tick));
  expect(places[0]).toBeCloseTo(100, 9);
  expect(places.at(-1)).toBeCloseTo(0, 9);
  expect(places).toEqual(places.toSorted((a, b) => b - a));
  expect(axis.place(0)).toBe(100);
});

test("a logarithm has no zero", () => {
  expect(() => logAxis({ low: 0, high: 1, ...pixels })).toThrow(/low/);
});
