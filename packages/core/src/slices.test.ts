import fc from "fast-check";
import { expect, test } from "vitest";
import { slicesOf } from "./slices.ts";

test("slices are the list in order, and hold at most 1 or a single load, and as much as fits", () =>
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 12 })), (eighths) => {
      const load = (eighth: number) => eighth / 8;
      const slices = [...slicesOf(eighths, load)];
      expect(slices.flat()).toEqual(eighths);
      const loads = slices.map((slice) => slice.reduce((sum, item) => sum + load(item), 0));
      slices.forEach((slice, i) => {
        expect(slice.filter((item) => item > 0).length === 1 || loads[i]! <= 1).toBe(true);
        expect(slice.length).toBeGreaterThan(0);
        const next = slices[i + 1];
        if (next) expect(loads[i]! + load(next[0]!)).toBeGreaterThan(1);
      });
    }),
  ));

test("an item's load is asked for when its turn comes", () => {
  const asked: string[] = [];
  const slices = slicesOf(["a", "b", "c"], (item) => {
    asked.push(item);
    return 1;
  });
  expect(slices.next().value).toEqual(["a"]);
  expect(asked).toEqual(["a", "b"]);
});
