import { expect, test } from "vitest";
import { formatBytes, freeMemory, parseBytes } from "./memory-size.ts";

test.each([
  ["512MiB", 536_870_912],
  ["2GB", 2_000_000_000],
  ["1.5 gib", 1_610_612_736],
  ["1000", 1000],
  [4096, 4096],
])("%s is %d bytes", (text, bytes) => expect(parseBytes(text, "memory")).toBe(bytes));

test.each(["", "lots", "-1", "0", "1e400", Number.NaN, -5, "5 parsecs", "0.1B"])(
  "%s is refused, naming the option",
  (text) => expect(() => parseBytes(text, "kvCache.memory")).toThrow(/kvCache\.memory/),
);

test("free memory is a positive number of bytes", () => expect(freeMemory()).toBeGreaterThan(0));

test("bytes are shown in the largest unit that keeps them above one", () => {
  expect([0, 1023, 1024, 3.5 * 2 ** 30].map(formatBytes)).toEqual(["0 B", "1023 B", "1.00 KiB", "3.50 GiB"]);
});
