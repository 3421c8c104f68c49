import { expect, test } from "vitest";
import { StepClock } from "./step-clock.ts";

/** A clock that has seen steps whose tokens cost so much. */
function seen(target: number, { decode = 20, perToken = 2, steps = 12 } = {}): StepClock {
  const clock = new StepClock(target, 512);
  clock.ended(0, 1, decode);
  for (let i = 0; i < steps; i++) {
    const tokens = clock.promptTokens(1);
    clock.ended(tokens, 1, decode + tokens * perToken);
  }
  return clock;
}

test("a step with a stream in it has room for what its time leaves to prompts", () => {
  expect(seen(100).promptTokens(1)).toBe(40);
  expect(seen(60).promptTokens(1)).toBe(20);
});

test("prompts get on where decoding alone takes longer than a step should", () =>
  expect(seen(10).promptTokens(1)).toBe(8));

test("a crowd of prompts gets more of a step, up to four times its time", () => {
  const clock = seen(100, { steps: 12 });
  expect(clock.promptTokens(0)).toBe(40);
  expect(clock.promptTokens(2)).toBe(80);
  clock.ended(80, 2, 20 + 160);
  expect(clock.promptTokens(3)).toBe(140);
  clock.ended(160, 2, 20 + 320);
  expect(clock.promptTokens(50)).toBe(190);
});

test("the room at most doubles from step to step, and follows what steps take", () => {
  const clock = new StepClock(1000, 512);
  clock.ended(0, 1, 20);
  const first = clock.promptTokens(1);
  clock.ended(first, 1, 20 + first);
  expect(clock.promptTokens(1)).toBe(2 * first);
  for (let i = 0; i < 8; i++) clock.ended(clock.promptTokens(1), 1, 2000);
  expect(clock.promptTokens(1)).toBeLessThan(300);
});

test("what computing again takes is known once it was measured", () => {
  expect(new StepClock(100, 512).time(100, 3)).toBeUndefined();
  expect(seen(100).time(100, 3)).toBeCloseTo(100 * 2 + 3 * 20, 5);
});
