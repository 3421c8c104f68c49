import { expect, test } from "vitest";
import { normalQuantiles, RandomIndices } from "./normal-noise.ts";

test("the table has the moments of the standard normal distribution", () => {
  const table = normalQuantiles();
  const moment = (power: number) => table.reduce((sum, value) => sum + value ** power, 0) / table.length;
  expect(moment(1)).toBeCloseTo(0, 9);
  expect(moment(2)).toBeCloseTo(1, 3);
  expect(moment(4)).toBeCloseTo(3, 1);
  // Of the distribution: 1 standard deviation is reached at 0.841345.
  expect(table[Math.floor(0.841345 * 65_536)]).toBeCloseTo(1, 3);
});

const drawn = (seed: number, stream: string, count = 100_000) => {
  const indices = new Uint16Array(count);
  new RandomIndices(seed, stream).fill(indices);
  return indices;
};

test("seeds and streams differ, and the same ones repeat", () => {
  expect(drawn(1, "a")).toEqual(drawn(1, "a"));
  expect(drawn(1, "a")).not.toEqual(drawn(2, "a"));
  expect(drawn(1, "a")).not.toEqual(drawn(1, "b"));
});

test("indices fall evenly, and neighbours have nothing to do with each other", () => {
  const indices = drawn(7, "even");
  const counts = new Uint32Array(16);
  for (const index of indices) counts[index >> 12]!++;
  for (const count of counts) expect(count / indices.length).toBeCloseTo(1 / 16, 2);
  const centred = Float64Array.from(indices, (index) => index / 65_536 - 0.5);
  const product = centred.reduce((sum, value, i) => sum + value * (centred[i + 1] ?? 0), 0) / centred.length;
  expect(product).toBeCloseTo(0, 2);
});
