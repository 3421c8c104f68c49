import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MergeRun } from "./merge-run.ts";

/** Costs by the two texts; a pair that is absent never joins. */
type Costs = Map<string, number>;

function merge(
  text: string,
  costs: Costs,
  steps = Number.POSITIVE_INFINITY,
): { symbols: string[]; asked: number } {
  const symbols = [...text];
  let asked = 0;
  const cost = (left: number, right: number) => {
    asked++;
    return costs.get(`${symbols[left]} ${symbols[right]}`) ?? Number.POSITIVE_INFINITY;
  };
  const join = (left: number, right: number) => {
    symbols[left] = `${symbols[left]}${symbols[right]}`;
  };
  const run = new MergeRun(symbols.length, { cost, join });
  while (!run.advance(steps));
  return { symbols: [...run.symbols()].map((i) => symbols[i]!), asked };
}

/** Joins the cheapest pair, leftmost among equals, until none is left. */
function naive(text: string, costs: Costs): string[] {
  const symbols = [...text];
  for (;;) {
    const pairs = symbols
      .slice(1)
      .map((right, i) => costs.get(`${symbols[i]} ${right}`) ?? Number.POSITIVE_INFINITY);
    const best = Math.min(...pairs);
    if (best === Number.POSITIVE_INFINITY) return symbols;
    const at = pairs.indexOf(best);
    symbols.splice(at, 2, symbols[at]! + symbols[at + 1]!);
  }
}

describe("MergeRun", () => {
  const piece = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
  const costs = fc.array(fc.tuple(piece, piece, fc.nat(6)), { maxLength: 40 });
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 60 });

  it("joins as the naive way does, whole or in parts of any size", () => {
    const property = fc.property(text, costs, fc.integer({ min: 1, max: 9 }), (text, list, steps) => {
      const table: Costs = new Map(list.map(([left, right, cost]) => [`${left} ${right}`, cost]));
      const expected = naive(text, table);
      expect(merge(text, table).symbols).toEqual(expected);
      expect(merge(text, table, steps).symbols).toEqual(expected);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it("asks for a number of costs that is linear in a word of 100,000 symbols", () => {
    const table: Costs = new Map([
      ["a a", 0],
      ["aa aa", 1],
      ["aaaa aaaa", 2],
    ]);
    const { symbols, asked } = merge("a".repeat(100_000), table);
    expect(symbols.length).toBe(12_500);
    expect(asked).toBeLessThan(300_000);
  });
});
