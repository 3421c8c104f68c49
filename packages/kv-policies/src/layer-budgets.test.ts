import { describe, expect, it } from "vitest";
import { proportionally, sharesByDepth } from "./layer-budgets.ts";
import { DEFAULT_OPTIONS } from "./resolve-options.ts";
import { generator } from "./sample-signals.ts";

describe("proportionally", () => {
  it("keeps the mean and goes by weights, up to the most that is wanted", () => {
    expect(proportionally([3, 2, 1], 4, 100)).toEqual([6, 4, 2]);
    expect(proportionally([6, 4, 2], 8, 8)).toEqual([8, 8, 8]);
    // The first has 9 instead of 12; the others share the remaining 9 two to one.
    expect(proportionally([6, 2, 1], 6, 9)).toEqual([9, 6, 3]);
  });

  it("agrees with cutting off and dividing again until nothing is above", () => {
    const random = generator(3);
    for (let count = 1; count < 20; count++) {
      const weights = Array.from({ length: count }, () => 0.1 + random());
      const [mean, most] = [100, 101 + random() * 100];
      const full = new Set<number>();
      let numbers: number[] = [];
      do {
        for (const [i, number] of numbers.entries()) if (number > most) full.add(i);
        const left = mean * count - most * full.size;
        const weight = weights.reduce((sum, w, i) => (full.has(i) ? sum : sum + w), 0);
        numbers = weights.map((w, i) => (full.has(i) ? most : (left * w) / weight));
      } while (numbers.some((number) => number > most));
      proportionally(weights, mean, most).forEach((number, i) => {
        expect(number).toBeCloseTo(numbers[i]!, 8);
      });
    }
  });
});

describe("sharesByDepth", () => {
  const options = { ...DEFAULT_OPTIONS, sinks: 4, recent: 6, protectLayers: [1] };
  const context = { layers: 4, heads: 2, seen: 200, budget: 100, options };

  it("divides what is beyond the guards over the layers that are evicted from", () => {
    const asked: number[][] = [];
    const shares = sharesByDepth(context, (...given) => {
      asked.push(given);
      return [190, 60, 20];
    });
    expect(asked).toEqual([[90, 190, 3]]);
    expect([...shares]).toEqual([2, 2, 1, 1, 0.7, 0.7, 0.3, 0.3].map(Math.fround));
  });

  it("knows no most while everything is within the budget, and divides nothing but guards equally", () => {
    sharesByDepth({ ...context, seen: 100 }, (mean, most) => {
      expect([mean, most]).toEqual([90, Number.POSITIVE_INFINITY]);
      return [0, 0, 0];
    });
    expect(sharesByDepth({ ...context, budget: 10 }, () => [])).toEqual(new Float32Array(8).fill(1));
  });
});
