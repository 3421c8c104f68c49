import { expect, it } from "vitest";
import { hashNamespace, hashTokens, LostPrefixes } from "./lost-prefixes.ts";

it("gives 100,000 prefixes that differ little as many hashes", () => {
  const hashes = new Set<number>();
  for (const namespace of ["", "a", "b", "ab", "ba"]) {
    const start = hashNamespace(namespace);
    for (let a = 0; a < 100; a++) {
      const first = hashTokens(start, [a, 0], 0, 2);
      for (let b = 0; b < 200; b++) hashes.add(hashTokens(first, [7, b, a], 1, 2));
    }
  }
  expect(hashes.size).toBe(100_000);
  for (const hash of hashes) if (!Number.isSafeInteger(hash) || hash < 0) expect(hash).toBe(0);
});

it("goes by the order of tokens and by where blocks end", () => {
  const start = hashNamespace("n");
  const both = hashTokens(start, [1, 2, 3, 4], 0, 4);
  expect(hashTokens(hashTokens(start, [1, 2], 0, 2), [3, 4], 0, 2)).not.toBe(both);
  expect(hashTokens(start, [1, 2, 4, 3], 0, 4)).not.toBe(both);
  expect(hashTokens(start, [9, 1, 2, 3, 4], 1, 4)).toBe(both);
});

it("remembers of the last losses what is still missing", () => {
  const lost = new LostPrefixes(3);
  const known = () => [1, 2, 3, 4].filter((hash) => lost.has(hash));
  for (const hash of [1, 2, 1]) lost.add(hash);
  expect(known()).toEqual([1, 2]);
  lost.add(3);
  expect(known()).toEqual([1, 2, 3]);
  lost.delete(1);
  lost.add(4);
  expect(known()).toEqual([3, 4]);
  lost.add(1);
  lost.add(2);
  expect(known()).toEqual([1, 2, 4]);
});
