import { expect, test } from "vitest";
import type { NeedlePrompt } from "../../quality/needle-prompt.ts";
import { paperCut } from "./paper-cut.ts";

test("all of the question is read before the cut, and the answer is all that follows", () => {
  const prompt: NeedlePrompt = {
    task: "passkey",
    length: 5,
    depth: 0,
    digits: "12",
    prompt: Int32Array.of(1, 2, 3, 4),
    continuation: Int32Array.of(5, 11, 12),
    answerTokens: 2,
  };
  const cut = paperCut(prompt);
  expect([...cut.prompt]).toEqual([1, 2, 3, 4, 5]);
  expect([...cut.continuation]).toEqual([11, 12]);
  expect(cut.answerTokens).toBe(2);
});
