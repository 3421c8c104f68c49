import { expect, test } from "vitest";
import { textStretches } from "./text-stretches.ts";

const ids = Int32Array.from({ length: 101 }, (_, i) => i);

test("groups take turns from the start of a text to its end, and their ends have nothing in common", () => {
  const options = { groups: 2, count: 3, length: 51, apart: 10 };
  const [even, odd] = [0, 1].map((group) => textStretches(ids, { ...options, group }).map((one) => one[0]!));
  expect(even).toEqual([0, 20, 40]);
  expect(odd).toEqual([10, 30, 50]);
  const ends = [0, 1].flatMap((group) =>
    textStretches(ids, { ...options, group }).flatMap((one) => [...one.slice(-10)]),
  );
  expect(new Set(ends).size).toBe(60);
});

test("one stretch is the start, and a text that is too short is refused with what it would take", () => {
  const one = { group: 0, groups: 1, count: 1, length: 101, apart: 101 };
  expect(textStretches(ids, one)).toEqual([ids]);
  expect(() => textStretches(ids, { ...one, count: 2, length: 51, apart: 51 })).toThrow(
    "text: expected at least 102 tokens, received 101",
  );
});
