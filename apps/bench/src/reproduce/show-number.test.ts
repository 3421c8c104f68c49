import { expect, it } from "vitest";
import { spreadOf } from "../spread.ts";
import { listed, shown, shownBytes, shownSpread, times } from "./show-number.ts";

it("shows the digits that matter", () => {
  expect([0, 0.01234, 1.004, 9.96, 25.96, 123.4, 38_016].map(shown)).toEqual([
    "0",
    "0.0123",
    "1.00",
    "9.96",
    "26.0",
    "123",
    "38,016",
  ]);
  expect(times(26)).toBe("26.0x");
  expect(shownBytes(1_245_708_288)).toBe("1.16 GiB");
  expect(shownBytes(38_016)).toBe("37.1 KiB");
});

it("brackets what was measured several times", () => {
  expect(shownSpread(spreadOf([1, 2, 4]), times)).toBe("2.00x (1.00x-4.00x)");
  expect(shownSpread(spreadOf([2]), times)).toBe("2.00x");
});

it("joins words", () => {
  expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(listed)).toEqual(["", "a", "a and b", "a, b and c"]);
});
