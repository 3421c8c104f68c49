import { describe, expect, it } from "vitest";
import { pooledWinners } from "./pooled-winners.ts";
import { makeSignals } from "./sample-signals.ts";

const ascending = (...lists: number[][]) => lists.map((list) => Float32Array.from(list).sort());

describe("pooledWinners", () => {
  it("counts what each list has among the highest of all", () => {
    expect(pooledWinners(ascending([1, 5, 9], [2, 6, 7], [0, 0.5, 3]), 4)).toEqual([2, 2, 0]);
    expect(pooledWinners(ascending([-3, -1], [-2, 4]), 2)).toEqual([1, 1]);
    expect(pooledWinners(ascending([1, 2], []), 0)).toEqual([0, 0]);
    expect(pooledWinners(ascending([1, 2], [3]), 5)).toEqual([2, 1]);
  });

  it("divides what is equal at the border in proportion", () => {
    expect(pooledWinners(ascending([0, 0, 0], [0]), 2)).toEqual([1.5, 0.5]);
    expect(pooledWinners(ascending([1, 1, 7], [1, 0]), 2)).toEqual([
      expect.closeTo(5 / 3),
      expect.closeTo(1 / 3),
    ]);
    expect(pooledWinners(ascending([0], [-0]), 1)).toEqual([0.5, 0.5]);
  });

  it("takes infinite numbers as the highest and the lowest", () => {
    const [up, down] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    expect(pooledWinners(ascending([up, up], [up, 3e38]), 2)).toEqual([
      expect.closeTo(4 / 3),
      expect.closeTo(2 / 3),
    ]);
    expect(pooledWinners(ascending([down, up], [down, 0]), 3)).toEqual([1.5, 1.5]);
  });

  it("is what sorting everything gives", () => {
    for (let seed = 0; seed < 100; seed++) {
      const lists = [0, 1, 2].map((i) => {
        const { keyNorm } = makeSignals(["keyNorm"], "random", 1 + ((seed * 7 + i * 13) % 50), seed * 3 + i);
        return keyNorm!.map((norm) => norm - 5).sort();
      });
      const all = lists.flatMap((list, i) => [...list].map((value) => ({ value, i })));
      const total = (seed * 11) % all.length;
      const expected = [0, 0, 0];
      for (const { i } of all.sort((a, b) => b.value - a.value).slice(0, total)) expected[i]! += 1;
      expect(pooledWinners(lists, total)).toEqual(expected);
    }
  });
});
