import { expect, it } from "vitest";
import { formatBytes, parseBytes } from "./quantity.ts";

it("reads bytes with and without a unit, and nothing else", () => {
  expect(["512MiB", "1.5 kib", "7", "2b"].map(parseBytes)).toEqual([536_870_912, 1536, 7, 2]);
  for (const wrong of ["", "0", "-1", "1e3", "5MB", "MiB", "0.5", "9007199254740993", "1 2", "99999999TiB"]) {
    expect([wrong, parseBytes(wrong)]).toEqual([wrong, undefined]);
  }
});

it("writes bytes in the unit that people would", () => {
  expect([0, 1023, 1024, 1_572_864, 3 * 1024 ** 4].map(formatBytes)).toEqual([
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1.5 MiB",
    "3.0 TiB",
  ]);
});
