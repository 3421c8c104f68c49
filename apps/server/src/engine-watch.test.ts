import { expect, it } from "vitest";
import { EngineWatch } from "./engine-watch.ts";

it("counts the time with work and without a step, and nothing else", () => {
  const watch = new EngineWatch();
  const at = (now: number, running: number, waiting: number, steps: number, paused = 0) =>
    watch.observe({ running, paused, waiting, steps, lastTick: now }, now);
  expect(at(1_000, 0, 0, 3)).toBe(0);
  expect(at(9_000, 0, 0, 3)).toBe(0);
  expect(at(9_500, 1, 0, 3)).toBe(500);
  expect(at(9_900, 0, 1, 3)).toBe(900);
  expect(at(9_950, 1, 0, 4)).toBe(0);
  expect(at(9_990, 1, 0, 4)).toBe(40);
  expect(at(9_995, 2, 1, 4, 1)).toBe(45);
  expect(at(9_999, 2, 1, 4, 2)).toBe(0); // all readers are behind: it is not the engine that hangs
});
