import fc from "fast-check";
import { expect, test } from "vitest";
import { schedule } from "./schedule.ts";

const rows = (pending: number[], stepTokens: number, chunkTokens: number, wholeChunks = false) => {
  const running = pending.map((pending, index) => ({ index, pending, wholeChunks }));
  return schedule(running, stepTokens, chunkTokens).map(({ sequence, rows }) => [sequence.index, rows]);
};

test("decoding sequences run before prompts that arrived earlier", () =>
  expect(rows([100, 1, 1], 10, 64)).toEqual([
    [1, 1],
    [2, 1],
    [0, 8],
  ]));

test("prompts share what is left in order of arrival, a chunk each", () =>
  expect(rows([100, 5, 100], 20, 10)).toEqual([
    [0, 10],
    [1, 5],
    [2, 5],
  ]));

test("limits hold, nobody runs twice, somebody runs, and no decoding sequence waits for a prompt", () =>
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 300 })), { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 64 }),
      (pending, stepTokens, chunkTokens) => {
        const chosen = rows(pending, stepTokens, chunkTokens);
        const total = chosen.reduce((sum, [, rows]) => sum + rows!, 0);
        expect(total).toBeGreaterThan(0);
        expect(total).toBeLessThanOrEqual(stepTokens);
        expect(new Set(chosen.map(([index]) => index)).size).toBe(chosen.length);
        for (const [index, rows] of chosen)
          expect(rows).toBeLessThanOrEqual(Math.min(pending[index!]!, chunkTokens));
        const decoding = pending.filter((count) => count === 1).length;
        expect(chosen.filter(([index]) => pending[index!] === 1)).toHaveLength(
          Math.min(decoding, stepTokens),
        );
      },
    ),
  ));

test("whole chunks are never cut by what others leave, and the first prompt never starves", () => {
  expect(rows([100, 1, 100], 10, 8, true)).toEqual([
    [1, 1],
    [0, 8],
  ]);
  expect(rows([1, 1, 1, 100], 3, 8, true)).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 8],
  ]);
});

test("a prompt in whole chunks goes on however many sequences decode", () =>
  expect(rows([1, 1, 1, 1, 100], 3, 8, true)).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [4, 8],
  ]));

test("whole chunks of one token keep to the limit of a step", () =>
  expect(rows([9, 9, 9, 9], 2, 1, true)).toEqual([
    [0, 1],
    [1, 1],
  ]));

test("prompts that may be cut share a step with one that may not", () => {
  const running = [
    { name: "cut", pending: 6, wholeChunks: false },
    { name: "whole", pending: 9, wholeChunks: true },
    { name: "behind", pending: 9, wholeChunks: false },
  ];
  const names = (stepTokens: number) =>
    schedule(running, stepTokens, 8).map(({ sequence, rows }) => [sequence.name, rows]);
  expect(names(10)).toEqual([["cut", 6]]);
  expect(names(15)).toEqual([
    ["cut", 6],
    ["whole", 8],
    ["behind", 1],
  ]);
});
