import { describe, expect, test } from "vitest";
import { compareMeans, compareShares } from "./paired.ts";

const repeat = (n: number, value: boolean) => Array.from({ length: n }, () => value);
/** Outcomes of both sides from the four counts: both found, only ours, only theirs, neither. */
const outcomes = ([both, ours, theirs, neither]: readonly [number, number, number, number]) =>
  [
    [...repeat(both, true), ...repeat(ours, true), ...repeat(theirs, false), ...repeat(neither, false)],
    [...repeat(both, true), ...repeat(ours, false), ...repeat(theirs, true), ...repeat(neither, false)],
  ] as const;

describe("means, of which the lower is better", () => {
  test("what is lower on every sample is better, though the two spreads overlap", () => {
    const theirs = [1, 5, 9, 13, 17];
    const ours = theirs.map((value, i) => value - 0.5 - i / 100);
    expect(compareMeans(ours, theirs).verdict).toBe("better");
    expect(compareMeans(theirs, ours).verdict).toBe("worse");
    expect(compareMeans(ours, theirs).difference.value).toBeCloseTo(-0.52, 12);
  });

  test("what is lower now and then is no different, and neither is one sample or the same samples", () => {
    expect(compareMeans([1, 5, 9], [2, 4, 9]).verdict).toBe("no different");
    expect(compareMeans([1], [2]).verdict).toBe("no different");
    expect(compareMeans([1, 2], [1, 2]).verdict).toBe("no different");
  });
});

describe("shares, of which the higher is better", () => {
  // From the method's definition, with Wilson's limits found by bisection.
  test.each([
    [[36, 12, 2, 0], 0.2, 0.0569296, 0.340428],
    [[97, 3, 0, 0], 0.03, -0.0119333, 0.0845194],
    [[0, 0, 0, 54], 0, -0.0664136, 0.0664136],
    [[30, 0, 0, 24], 0, -0.0358376, 0.0358376],
    [[10, 7, 2, 21], 0.125, -0.0247251, 0.266139],
  ] as const)("the counts %j differ by %d, in %d to %d", (counts, value, low, high) => {
    const { difference } = compareShares(...outcomes(counts));
    expect(difference.value).toBeCloseTo(value, 5);
    expect(difference.low).toBeCloseTo(low, 5);
    expect(difference.high).toBeCloseTo(high, 5);
  });

  test("a verdict needs the whole interval on one side", () => {
    expect(compareShares(...outcomes([5, 8, 0, 7])).verdict).toBe("better");
    expect(compareShares(...outcomes([5, 0, 8, 7])).verdict).toBe("worse");
    expect(compareShares(...outcomes([18, 1, 1, 0])).verdict).toBe("no different");
    expect(compareShares(...outcomes([20, 0, 0, 0])).verdict).toBe("no different");
  });
});

test("sides of unequal length are refused", () => {
  expect(() => compareMeans([1], [])).toThrow(/1 and 0/);
  expect(() => compareShares([true], [])).toThrow(/1 and 0/);
});
