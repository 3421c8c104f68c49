import { expect, test } from "vitest";
import { attentionLoss } from "./attention-loss.ts";

/** Straight from the definition: for each m, what m evicted slots had. */
function lossOf(order: readonly number[], attention: readonly number[]): number {
  let sum = 0;
  for (let m = 1; m <= order.length; m++) {
    for (const slot of order.slice(0, m)) sum += attention[slot]!;
  }
  return sum;
}

const norms = [3, 1, 2, 5];
const attention = [0.1, 0.4, 0.3, 0.05];
const best = [3, 0, 2, 1];

test("the loss of an order is what it loses more than the best one, at every number of evicted slots", () => {
  const loss = attentionLoss(norms, attention);
  const ideal = lossOf(best, attention);
  expect(loss.highestFirst).toBeCloseTo(lossOf([3, 0, 2, 1], attention) - ideal, 12);
  expect(loss.lowestFirst).toBeCloseTo(lossOf([1, 2, 0, 3], attention) - ideal, 12);
  // All orders are as likely: the mean over all of them.
  const orders = permutations([0, 1, 2, 3]);
  const mean = orders.reduce((sum, order) => sum + lossOf(order, attention), 0) / orders.length;
  expect(loss.random).toBeCloseTo(mean - ideal, 12);
});

test("where high norm means little attention nothing is lost, and the other way round most", () => {
  const falling = attentionLoss([1, 2, 3], [0.5, 0.3, 0.2]);
  expect(falling.highestFirst).toBeCloseTo(0, 12);
  const rising = attentionLoss([3, 2, 1], [0.5, 0.3, 0.2]);
  expect(rising.highestFirst).toBeGreaterThan(rising.random);
  expect(rising.lowestFirst).toBeCloseTo(0, 12);
});

test("as many norms as slots are needed", () => {
  expect(() => attentionLoss([1], [0.5, 0.5])).toThrow(/as many/);
});

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item) =>
    permutations(items.filter((other) => other !== item)).map((rest) => [item, ...rest]),
  );
}
