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
  const notANumber = scores.findIndex(Number.isNaN);
  if (notANumber >= 0)
    throw new PolicyError("INVALID_SCORES", policy, `the score of slot ${notANumber} of ${resident} is NaN.`);
}
