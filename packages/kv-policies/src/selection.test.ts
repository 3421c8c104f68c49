import fc from "fast-check";
import { expect, it } from "vitest";
import { selectHighest } from "./selection.ts";

/** Sorts slots by score and takes the first: what the selection must agree with. */
function reference(scores: Float32Array, budget: number, sinks: number, recent: number): number[] {
  const slots = [...scores.keys()];
  const isGuarded = (slot: number) => slot < sinks || slot >= scores.length - recent;
  const rest = slots.filter((slot) => !isGuarded(slot)).sort((a, b) => scores[b]! - scores[a]! || b - a);
  const kept = [...slots.filter(isGuarded), ...rest.slice(0, budget - sinks - recent)];
  return kept.sort((a, b) => a - b);
}

it("keeps the guarded slots and the highest-scored others, ties to the more recent", () => {
  const score = fc.oneof(
    fc.constantFrom(-0, 0, 1, 2, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY),
    fc.float({ noNaN: true }),
  );
  fc.assert(
    fc.property(
      fc.array(score, { minLength: 1, maxLength: 40 }),
      fc.nat(),
      fc.nat(),
      fc.nat(),
      (values, a, b, c) => {
        const scores = Float32Array.from(values).map((value) =>
          value === Number.POSITIVE_INFINITY ? 9 : value === Number.NEGATIVE_INFINITY ? -9 : value,
        );
        const sinks = a % scores.length;
        const recent = 1 + (b % (scores.length - sinks));
        const budget = sinks + recent + (c % (scores.length - sinks - recent + 1));
        expect([...selectHighest(scores, budget, sinks, recent)]).toEqual(
          reference(scores, budget, sinks, recent),
        );
      },
    ),
    { numRuns: 500 },
  );
});

it("takes infinite scores as the highest and the lowest", () => {
  const scores = Float32Array.of(1, Number.POSITIVE_INFINITY, 2, Number.NEGATIVE_INFINITY, 3, 0);
  expect([...selectHighest(scores, 4, 0, 1)]).toEqual([1, 2, 4, 5]);
  expect([...selectHighest(scores, 5, 0, 1)]).toEqual([0, 1, 2, 4, 5]);
});

it("handles 100,000 slots", () => {
  const scores = Float32Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 1000);
  const kept = selectHighest(scores, 50_000, 4, 64);
  expect(kept).toHaveLength(50_000);
  expect([...kept.slice(0, 4), ...kept.slice(-64)]).toEqual(
    [...scores.keys()].filter((slot) => slot < 4 || slot >= 99_936),
  );
});
