import { expect, it } from "vitest";
import { decodingMs, generationText, sampledContexts, sampledMs, throughputOf } from "./generation.ts";

const generation = { prompt: 5, generated: 11 };

it("samples from the first decoding step to the last", () => {
  expect(generationText(generation)).toBe("5+11");
  expect(sampledContexts(generation, 4)).toEqual([5, 8, 11, 14]);
  expect(sampledContexts({ prompt: 5, generated: 3 }, 4)).toEqual([5, 6]);
  expect(sampledContexts({ prompt: 5, generated: 2 }, 4)).toEqual([5]);
});

it("adds up steps along the lines between samples", () => {
  const step = (context: number) => ({ context, ms: 2 * context + 1 });
  const exact = Array.from({ length: 10 }, (_, i) => step(5 + i).ms).reduce((sum, ms) => sum + ms);
  expect(decodingMs(generation, [step(5), step(14)])).toBeCloseTo(exact, 9);
  expect(decodingMs(generation, [step(5), step(9), step(10), step(14)])).toBeCloseTo(exact, 9);
  expect(decodingMs(generation, [{ context: 5, ms: 3 }])).toBe(30);
  // 1, 1, 1, then 2 to 7 in the second half.
  const bent = [
    { context: 5, ms: 1 },
    { context: 8, ms: 1 },
    { context: 14, ms: 7 },
  ];
  expect(decodingMs(generation, bent)).toBeCloseTo(3 + (1 + 2 + 3 + 4 + 5 + 6 + 7), 9);
  expect(() => decodingMs(generation, [])).toThrow("samples");
});

it("counts the prompts' time", () => {
  const [stepsMs] = sampledMs(generation, [{ context: 5, ms: [10, 20] }]);
  const times = { batch: 4, promptMs: 25, stepsMs: stepsMs! };
  // 4 prompts of 25 ms and 10 steps of 10 ms for 44 tokens.
  expect(throughputOf(generation, times)).toBeCloseTo(44 / 0.2, 9);
});
