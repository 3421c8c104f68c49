import type { Step, StepResult } from "../step.ts";
import { byLogit, logSoftmax, sampleToken } from "./sampling.ts";
import type { Work } from "./work-queue.ts";

/** Samples what a step asked for. `logits` [outputs, vocabSize]. */
export function* stepResult(step: Step, logits: Float32Array, vocabSize: number): Work<StepResult> {
  const sampling = step.sampling ?? [];
  const tokens = new Int32Array(sampling.length);
  const logprobs = new Float32Array(sampling.length).fill(NaN);
  const top: { ids: Int32Array; logprobs: Float32Array }[] = [];
  for (const [i, settings] of sampling.entries()) {
    const row = logits.subarray(i * vocabSize, (i + 1) * vocabSize);
    const token = yield* sampleToken(row, settings);
    tokens[i] = token;
    const all = settings.topLogprobs >= 0 ? logSoftmax(row) : new Float64Array(0);
    if (settings.topLogprobs >= 0) logprobs[i] = all[token]!;
    const best = settings.topLogprobs > 0 ? yield* byLogit(row) : new Uint32Array(0);
    const ids = Int32Array.from(best.subarray(0, settings.topLogprobs));
    top.push({ ids, logprobs: Float32Array.from(ids, (id) => all[id]!) });
    yield;
  }
  return step.returnLogits ? { tokens, logprobs, top, logits } : { tokens, logprobs, top };
}
