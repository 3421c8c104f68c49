import { received } from "./received.ts";
import { refuse } from "./refuse.ts";
import type { ScoreRequest } from "./score-request.ts";

const known = new Set(["prompt", "continuation", "kvCache", "logits", "signal"]);

/**
 * Checks everything but the prompt and the policy, and gives the continuation's ids. Throws `invalid-request`
 * naming the field and its range.
 */
export function checkScore(request: ScoreRequest, vocabSize: number): Int32Array {
  if (typeof request !== "object" || request === null) refuse("request", "an object", request);
  for (const field of Object.keys(request)) {
    if (!known.has(field)) refuse(field, `one of ${[...known].join(", ")}`, "an unknown field");
  }
  const { prompt, continuation, logits, signal } = request;
  if (prompt === undefined) refuse("prompt", "text or token ids", prompt);
  if (logits !== undefined && typeof logits !== "boolean") refuse("logits", "a boolean", logits);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    refuse("signal", "an AbortSignal", typeof signal);
  }
  const ids: unknown = continuation;
  if (!(Array.isArray(ids) || ids instanceof Int32Array) || ids.length === 0) {
    refuse("continuation", "at least one token id", ids);
  }
  const isId = (id: unknown) => Number.isInteger(id) && (id as number) >= 0 && (id as number) < vocabSize;
  const wrong = ids.findIndex((id: unknown) => !isId(id));
  if (wrong >= 0) {
    refuse("continuation", `token ids in [0, ${vocabSize - 1}]`, received(ids[wrong]));
  }
  return Int32Array.from(ids);
}
