import { expect, test } from "vitest";
import { StepClock } from "./step-clock.ts";

/** Rows that fill up a tile with the 40 tokens of prompts that a target of 120 ms has room for. */
const decoding = 8;

/** A clock that has seen steps whose tokens cost so much. */
function seen(target: number, { decode = 20, perToken = 2, steps = 12 } = {}): StepClock {
  const clock = new StepClock(target, 512);
  clock.ended(0, decoding, decode);
  for (let i = 0; i < steps; i++) {
    const tokens = clock.promptTokens(1, decoding);
    clock.ended(tokens, decoding, decode + tokens * perToken);
  }
  return clock;
}

test("a step with a stream in it has room for what its time leaves to prompts", () => {
  expect(seen(120).promptTokens(1, decoding)).toBe(40);
  expect(seen(82).promptTokens(1, decoding)).toBe(24);
});

test("a step takes whole tiles of rows, unless a prompt would get nearly nothing", () => {
  expect(seen(120).promptTokens(1, 6)).toBe(26);
  expect(seen(120).promptTokens(1, 9)).toBe(39);
  expect(seen(50).promptTokens(1, 14)).toBe(11);
});

test("prompts get on where decoding alone takes longer than a step should", () => {
  expect(seen(10).promptTokens(1, decoding)).toBe(5);
  expect(seen(10, { perToken: 20 }).promptTokens(1, decoding)).toBe(4);
});

test("a crowd of prompts gets more of a step, up to six times its time", () => {
  const clock = seen(120, { steps: 12 });
  expect(clock.promptTokens(0, decoding)).toBe(40);
  expect(clock.promptTokens(2, 16)).toBe(80);
  clock.ended(80, 2, 20 + 160);
  expect(clock.promptTokens(3, 1)).toBe(159);
  clock.ended(300, 2, 20 + 600);
  expect(clock.promptTokens(50, 11)).toBe(341);
});

test("the room at most doubles from step to step, and follows what steps take", () => {
  const clock = new StepClock(1000, 512);
  clock.ended(0, 16, 20);
  const first = clock.promptTokens(1, 16);
  clock.ended(first, 16, 20 + first);
  expect(clock.promptTokens(1, 16)).toBe(2 * first);
  for (let i = 0; i < 8; i++) clock.ended(clock.promptTokens(1, 16), 16, 2000);
  expect(clock.promptTokens(1, 16)).toBeLessThan(300);
});

test("what computing again takes is known once it was measured", () => {
  expect(new StepClock(100, 512).time(100, 3)).toBeUndefined();
  expect(seen(100).time(100, 3)).toBeCloseTo(100 * 2 + 3 * 20, 5);
});
