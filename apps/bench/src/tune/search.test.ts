import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { meanOf } from "../quality/estimate.ts";
import { frontierOf, nearestTo, satisfies } from "./frontier.ts";
import { type Limits, search } from "./search.ts";
import { finalists, mostRuns } from "./search-plan.ts";
import type { MeasurePoints, Point, PointSample, WindowRange } from "./tried-points.ts";

type MadeUp = (point: Point, window: number) => PointSample;

/** A measurement of what is made up, which counts and checks what it is asked for. */
function measurement(madeUp: MadeUp, windows: number, candidates: number, lowest: number) {
  const asked = new Set<string>();
  const calls: WindowRange[] = [];
  let runs = 0;
  const measure: MeasurePoints = async (points, range) => {
    const { purpose, from, to } = range;
    calls.push(range);
    expect(from).toBeLessThan(to);
    expect(to).toBeLessThanOrEqual(windows);
    return points.map((point) => {
      expect(point.candidate).toBeLessThan(candidates);
      expect(Number.isInteger(point.percent)).toBe(true);
      expect(point.percent).toBeGreaterThanOrEqual(lowest);
      expect(point.percent).toBeLessThanOrEqual(100);
      return Array.from({ length: to - from }, (_, i) => {
        const key = `${purpose} ${point.candidate} ${point.percent} ${from + i}`;
        expect(asked.has(key), `${key} twice`).toBe(false);
        asked.add(key);
        runs += 1;
        return madeUp(point, from + i + (purpose === "judge" ? windows : 0));
      });
    });
  };
  return { measure, calls, runs: () => runs };
}

const costed = (points: Awaited<ReturnType<typeof search>>) =>
  points.map(({ samples, ...point }) => ({
    ...point,
    kvBytes: meanOf(samples.map(({ kvBytes }) => kvBytes)),
    divergence: meanOf(samples.map(({ divergence }) => divergence)),
  }));

/** A number from 0 to 1 for anything, without any order in it. */
function noise(...numbers: number[]): number {
  let state = 2166136261;
  for (const number of numbers) state = Math.imul(state ^ number, 16777619) ^ (state >>> 13);
  return ((Math.imul(state ^ (state >>> 15), 2246822519) >>> 0) % 65_536) / 65_536;
}

describe("whatever is measured", () => {
  const anything = fc.record({
    candidates: fc.integer({ min: 1, max: 24 }),
    lowest: fc.integer({ min: 1, max: 100 }),
    windows: fc.integer({ min: 2, max: 40 }),
    kvBytes: fc.double({ min: 20, max: 150, noNaN: true }),
    divergence: fc.double({ min: 0, max: 2, noNaN: true }),
    seed: fc.nat(),
    /** How much of it is noise, not budget. */
    wild: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test("the frontier is within the limits, nothing on it is beaten, and it ends in time", async () => {
    let found = 0;
    await fc.assert(
      fc.asyncProperty(anything, async ({ candidates, lowest, windows, seed, wild, ...limits }) => {
        const madeUp: MadeUp = ({ candidate, percent }, window) => {
          const budget = percent / 100;
          const [a, b] = [noise(seed, candidate), noise(seed, candidate, percent, window)];
          return {
            kvBytes: Math.round(100 * ((1 - wild / 2) * budget + (wild / 2) * b)),
            divergence: (1 - wild) * (a + 0.5) * (1 - budget) ** 2 + wild * noise(seed, percent, window, 7),
          };
        };
        const { measure, calls, runs } = measurement(madeUp, windows, candidates, lowest);
        const plans: { rest: number; ran: number }[] = [];
        const judged = await search({
          ...{ candidates, lowest, limits, windows, measure },
          onRound: (rest) => plans.push({ rest, ran: runs() }),
        });
        expect(runs()).toBeLessThanOrEqual(mostRuns(candidates, windows));
        for (const { rest, ran } of plans) expect(runs() - ran).toBeLessThanOrEqual(rest);
        // Points are judged once, all together and last, on windows that nothing else has seen.
        expect(calls.findIndex(({ purpose }) => purpose === "judge")).toBe(calls.length - 1);
        expect(new Set(judged.map(({ candidate }) => candidate)).size).toBe(Math.min(candidates, finalists));
        const points = costed(judged);
        const frontier = frontierOf(points, limits);
        found += frontier.length;
        for (const point of frontier) {
          expect(point.kvBytes.high).toBeLessThanOrEqual(limits.kvBytes);
          expect(point.divergence.high).toBeLessThanOrEqual(limits.divergence);
          for (const other of points.filter((one) => one !== point && satisfies(one, limits))) {
            const lessMemory = other.kvBytes.value < point.kvBytes.value;
            const lessKl = other.divergence.value < point.divergence.value;
            expect(lessMemory && other.divergence.value <= point.divergence.value).toBe(false);
            expect(lessKl && other.kvBytes.value <= point.kvBytes.value).toBe(false);
          }
        }
        // Nothing that satisfies the limits is lost: the frontier or its equal beats it.
        for (const point of points.filter((one) => satisfies(one, limits))) {
          const covers = frontier.some(
            (one) =>
              one.kvBytes.value <= point.kvBytes.value && one.divergence.value <= point.divergence.value,
          );
          expect(covers).toBe(true);
        }
        for (const point of nearestTo(points, limits)) {
          const kept = point.kvBytes.high <= limits.kvBytes || point.divergence.high <= limits.divergence;
          expect(kept).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
    expect(found).toBeGreaterThan(0);
  });
});

describe("where divergence falls with the budget and windows agree", () => {
  /** Candidate c diverges by c + 1 hundredths for each hundredth evicted. */
  const linear: MadeUp = ({ candidate, percent }) => ({
    kvBytes: 1000 * percent,
    divergence: ((candidate + 1) * (100 - percent)) / 10_000,
  });

  test.each([
    [1, 4],
    [1, 12],
    [20, 12],
  ])(
    "the best of %d candidates is found, its budgets from edge to edge (%d windows)",
    async (candidates, windows) => {
      const limits: Limits = { kvBytes: 70_000, divergence: 0.00605 };
      const { measure } = measurement(linear, windows, candidates, 5);
      const judged = costed(await search({ candidates, lowest: 5, limits, windows, measure }));
      const frontier = frontierOf(judged, limits);
      // Of candidate 0, budgets of 40 to 70 hundredths are within the limits.
      expect(new Set(frontier.map(({ candidate }) => candidate))).toEqual(new Set([0]));
      const percents = frontier.map(({ percent }) => percent);
      expect(percents).toHaveLength(4);
      expect(percents[0]).toBeGreaterThanOrEqual(40);
      expect(percents[0]).toBeLessThanOrEqual(40 + 6);
      expect(percents[3]).toBeGreaterThanOrEqual(70 - 6);
      expect(percents[3]).toBeLessThanOrEqual(70);
    },
  );

  test("edges are exact after enough rounds, at both ends of the range too", async () => {
    for (const limit of [0, 5, 37, 99]) {
      const limits: Limits = { kvBytes: 100_000, divergence: (100.5 - limit) / 10_000 };
      const { measure } = measurement(linear, 64, 1, 5);
      const judged = await search({ candidates: 1, lowest: 5, limits, windows: 64, measure });
      expect(judged[0]!.percent).toBe(Math.max(5, limit));
      expect(judged.at(-1)!.percent).toBe(100);
    }
  });

  test("where no budget meets both limits, the nearest points are those at the two edges", async () => {
    const limits: Limits = { kvBytes: 30_000, divergence: 0.00405 };
    const { measure } = measurement(linear, 64, 1, 5);
    const judged = costed(await search({ candidates: 1, lowest: 5, limits, windows: 64, measure }));
    expect(frontierOf(judged, limits)).toEqual([]);
    expect(nearestTo(judged, limits).map(({ percent }) => percent)).toEqual([30, 60]);
  });
});

test("a limit holds for the upper end of an interval, not for the mean", async () => {
  const uneven: MadeUp = ({ percent }, window) => ({
    kvBytes: 1000 * percent,
    divergence: percent === 100 ? 0 : 0.01 + (window % 2 === 0 ? 0.009 : -0.009),
  });
  const limits: Limits = { kvBytes: 90_000, divergence: 0.012 };
  const { measure } = measurement(uneven, 8, 1, 5);
  const judged = costed(await search({ candidates: 1, lowest: 5, limits, windows: 8, measure }));
  expect(judged.some(({ divergence }) => Math.abs(divergence.value - 0.01) < 1e-12)).toBe(true);
  expect(frontierOf(judged, limits)).toEqual([]);
});

test("of equal points the frontier has the first, and it begins with the least memory", () => {
  const exactly = (value: number) => ({ value, low: value, high: value, n: 3 });
  const point = (name: string, kvBytes: number, divergence: number) => ({
    name,
    kvBytes: exactly(kvBytes),
    divergence: exactly(divergence),
  });
  const points = [
    ...[point("a", 9, 1), point("b", 9, 1), point("c", 4, 2), point("d", 5, 2), point("e", 4, 3)],
    ...[point("too much memory", 11, 0), point("too far", 1, 6)],
  ];
  const names = (some: readonly { name: string }[]) => some.map(({ name }) => name);
  expect(names(frontierOf(points, { kvBytes: 10, divergence: 5 }))).toEqual(["c", "a"]);
  expect(names(nearestTo(points, { kvBytes: 1, divergence: 0 }))).toEqual(["too far", "too much memory"]);
  expect(names(nearestTo(points, { kvBytes: 0.5, divergence: 0 }))).toEqual(["too much memory"]);
});
