import { describe, expect, it } from "vitest";
import { pooled } from "./pooling.ts";
import { generator } from "./sample-signals.ts";

const values = Float32Array.of(4, 0, 2, 8, 6);

describe("pooled", () => {
  it("takes the mean of neighbours, with zeros beyond the ends", () => {
    expect([...pooled(values, 1, "avg")]).toEqual([...values]);
    expect([...pooled(values, 4, "avg")]).toEqual([1, 1.5, 3.5, 4, 4]);
    expect([...pooled(Float32Array.of(3, 3, 3), 3, "avg")]).toEqual([2, 3, 2]);
  });

  it("takes the highest neighbour, with nothing beyond the ends", () => {
    expect([...pooled(values, 1, "max")]).toEqual([...values]);
    expect([...pooled(values, 3, "max")]).toEqual([4, 4, 8, 8, 8]);
    expect([...pooled(Float32Array.of(-5, -7, -6), 3, "max")]).toEqual([-5, -5, -6]);
  });

  it("is the same turned round, where the kernel is odd", () => {
    const random = generator(7);
    for (let length = 0; length < 30; length++) {
      const numbers = Float32Array.from({ length }, () => Math.floor(random() * 100)); // whole: sums are exact
      for (const kernel of [1, 3, 5, 41]) {
        for (const pooling of ["avg", "max"] as const) {
          const turned = pooled(numbers.slice().reverse(), kernel, pooling).reverse();
          expect(pooled(numbers, kernel, pooling)).toEqual(turned);
        }
      }
    }
  });
});
