import { definePolicy } from "../definition.ts";

/**
 * Sliding window: the most recent tokens and nothing else (the baseline of Xiao et al. 2023, arXiv 2309.17453, section
 * 3.1, which shows why the first tokens should stay). Keeps no sinks unless told; `streaming-llm` is the same with
 * sinks, and with positions inside the cache.
 *
 * Differs from models that are trained with a window: the whole prompt is attended to before its beginning is evicted
 * (`prefill: "chunk"` evicts after each chunk), and the window slides by a page at a time.
 */
export const window = definePolicy({
  name: "window",
  signals: [],
  defaults: { budget: 0.5, sinks: 0, recent: 1 },
  score: ({ resident }) => new Float32Array(resident),
});
