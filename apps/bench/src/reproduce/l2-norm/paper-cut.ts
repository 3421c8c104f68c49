import type { NeedlePrompt } from "../../quality/needle-prompt.ts";

/**
 * The same prompt cut as the paper cuts: all of the question is read before the cache is compressed, once, and the first
 * token of the answer is judged by the prompt's own step, from the uncompressed cache.
 */
export function paperCut(prompt: NeedlePrompt): NeedlePrompt {
  const all = Int32Array.from([...prompt.prompt, ...prompt.continuation]);
  const answer = all.length - prompt.answerTokens;
  return { ...prompt, prompt: all.subarray(0, answer), continuation: all.subarray(answer) };
}
