import { describe } from "./call-checks.ts";
import { PolicyError } from "./errors.ts";

/** @throws PolicyError `INVALID_SCORES` unless there is a number for each slot, and no NaN */
export function checkScores(
  policy: string,
  scores: unknown,
  resident: number,
): asserts scores is Float32Array {
  if (!(scores instanceof Float32Array) || scores.length !== resident) {
    const message = `score must return a Float32Array of ${resident} numbers, received ${describe(scores)}.`;
    throw new PolicyError("INVALID_SCORES", policy, message);
  }
  for (let slot = 0; slot < resident; slot++) {
    if (!Number.isNaN(scores[slot])) continue;
    throw new PolicyError("INVALID_SCORES", policy, `the score of slot ${slot} of ${resident} is NaN.`);
  }
}
