import { expect, test } from "vitest";
import { percentText, tickText } from "./tick-text.ts";

test.each([
  [0, "0"],
  [0.1 + 0.2, "0.3"],
  [-2.5, "-2.5"],
  [2000, "2,000"],
  [20_000, "20k"],
  [-1_500_000, "-1.5M"],
  [2e9, "2G"],
  [1e15, "1e15"],
  [0.0001, "0.0001"],
  [0.00001, "1e-5"],
])("%d is written %s", (value, text) => {
  expect(tickText(value)).toBe(text);
});

test("a share is written in per cent", () => {
  expect([0, 0.255, 1].map(percentText)).toEqual(["0 %", "26 %", "100 %"]);
});
