import type { Completion } from "../src/index.ts";

/** What is the same however a request came to its answer: not what it found in the cache on its way. */
export function outcome({ text, ids, logprobs, finishReason, usage }: Completion) {
  const { promptTokens, completionTokens } = usage;
  return { text, ids, logprobs, finishReason, promptTokens, completionTokens };
}
