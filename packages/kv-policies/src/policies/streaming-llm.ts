import { definePolicy } from "../definition.ts";

/**
 * StreamingLLM (Xiao et al. 2023, arXiv 2309.17453): the first tokens and a window of the most recent ones, with
 * positions inside the cache. `budget` is sinks plus window (the paper's class: 4 + 512), so the window is
 * `budget - sinks`; all layers and heads alike. All scores are equal, and ties go to the more recent.
 *
 * Differs from the paper: the prompt is attended to in full before its middle is evicted (`prefill: "chunk"` evicts
 * after each chunk), and the window slides by a page at a time.
 */
export const streamingLlm = definePolicy({
  name: "streaming-llm",
  signals: [],
  defaults: { budget: 516, sinks: 4, recent: 1 },
  positions: "cache",
  score: ({ resident }) => new Float32Array(resident),
});
