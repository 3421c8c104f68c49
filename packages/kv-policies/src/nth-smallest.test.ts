import fc from "fast-check";
import { expect, it } from "vitest";
import { nthSmallest } from "./nth-smallest.ts";

const numbers = fc.oneof(
  fc.float({ noNaN: true }),
  fc.constantFrom(0, 1, 2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

it("is what sorting finds, at every place", () => {
  fc.assert(
    fc.property(fc.array(numbers, { minLength: 1, maxLength: 40 }), (list) => {
      const sorted = Float32Array.from(list).sort();
      sorted.forEach((value, index) => {
        // -0 and 0 compare as equal, here and wherever scores are ranked.
        expect(nthSmallest(Float32Array.from(list), index) === value).toBe(true);
      });
    }),
  );
});

it.each(["ascending", "descending", "equal", "organ pipe", "few values"])("holds for %s numbers", (kind) => {
  const count = 3001;
  const value = {
    ascending: (i: number) => i,
    descending: (i: number) => -i,
    equal: () => 1,
    "organ pipe": (i: number) => Math.min(i, count - i),
    "few values": (i: number) => i % 3,
  }[kind]!;
  const list = Float32Array.from({ length: count }, (_, i) => value(i));
  const sorted = list.slice().sort();
  for (const index of [0, 1, 1500, 2999, 3000]) expect(nthSmallest(list.slice(), index)).toBe(sorted[index]);
});
