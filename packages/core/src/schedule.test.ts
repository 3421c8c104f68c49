import fc from "fast-check";
import { expect, test } from "vitest";
import { schedule } from "./schedule.ts";

type Prompt = { readonly index: number; readonly pending: number };

const sequenceOf = (pending: number, index: number, chunkTokens: number, wholeChunks: boolean) => ({
  index,
  pending,
  decodes: pending === 1,
  chunk: Math.min(pending, chunkTokens),
  wholeChunks,
});

const rows = (
  pending: number[],
  tokens: number,
  chunkTokens: number,
  { wholeChunks = false, promptTokens = tokens } = {},
) => {
  const running = pending.map((count, index) => sequenceOf(count, index, chunkTokens, wholeChunks));
  return schedule<(typeof running)[number] & Prompt>(running, { tokens, promptTokens }).map(
    ({ sequence, rows }) => [sequence.index, rows],
  );
};

test("decoding sequences run before prompts that arrived earlier", () =>
  expect(rows([100, 1, 1], 10, 64)).toEqual([
    [1, 1],
    [2, 1],
    [0, 8],
  ]));

test("the first prompt gets half, and of the others those with least left go first", () => {
  expect(rows([100, 90, 5], 20, 30)).toEqual([
    [0, 10],
    [1, 5],
    [2, 5],
  ]);
  expect(rows([100, 5, 3], 20, 30)).toEqual([
    [0, 12],
    [1, 5],
    [2, 3],
  ]);
  expect(rows([4, 90, 50], 20, 30)).toEqual([
    [0, 4],
    [2, 16],
  ]);
});

test("where somebody decodes, prompts keep to their own limit; where nobody does, they need not", () => {
  expect(rows([1, 100], 64, 64, { promptTokens: 6 })).toEqual([
    [0, 1],
    [1, 6],
  ]);
  expect(rows([100], 64, 64, { promptTokens: 6 })).toEqual([[0, 64]]);
});

test("however many streams there are and short prompts come, a long prompt gets on", () => {
  let left = 1000;
  let steps = 0;
  for (; left > 0; steps++) {
    const chosen = rows([Math.max(left, 2), 1, 1, 8, 8, 8, 8], 512, 512, { promptTokens: 16 });
    const own = chosen.find(([index]) => index === 0)?.[1] ?? 0;
    expect(own).toBeGreaterThanOrEqual(8);
    left -= own;
  }
  expect(steps).toBeLessThanOrEqual(125);
});

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
  expect(rows([100, 1, 100], 10, 8, { wholeChunks: true })).toEqual([
    [1, 1],
    [0, 8],
  ]);
  expect(rows([1, 1, 1, 100], 3, 8, { wholeChunks: true })).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [3, 8],
  ]);
});

test("a prompt in whole chunks goes on however many sequences decode", () =>
  expect(rows([1, 1, 1, 1, 100], 3, 8, { wholeChunks: true })).toEqual([
    [0, 1],
    [1, 1],
    [2, 1],
    [4, 8],
  ]));

test("whole chunks of one token keep to the limit of a step", () =>
  expect(rows([9, 9, 9, 9], 2, 1, { wholeChunks: true })).toEqual([
    [0, 1],
    [1, 1],
  ]));

test("prompts that may be cut share a step with one that may not", () => {
  const running = [
    { name: "cut", ...sequenceOf(6, 0, 8, false) },
    { name: "whole", ...sequenceOf(9, 1, 8, true) },
    { name: "behind", ...sequenceOf(9, 2, 8, false) },
  ];
  const names = (tokens: number) =>
    schedule(running, { tokens, promptTokens: tokens }).map(({ sequence, rows }) => [sequence.name, rows]);
  expect(names(10)).toEqual([
    ["cut", 5],
    ["behind", 5],
  ]);
  expect(names(15)).toEqual([
    ["cut", 6],
    ["whole", 8],
    ["behind", 1],
  ]);
});
