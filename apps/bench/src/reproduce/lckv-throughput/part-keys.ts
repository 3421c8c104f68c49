import { type Generation, generationText } from "../generation.ts";
import { type LckvPlan, promptRepetitions } from "./lckv-plan.ts";

/** Keys of results: what was measured with all its numbers. */
export function partKeys(plan: LckvPlan) {
  const memory = `${plan.standardSlots} slots`;
  const sweep = `${generationText(plan.sweep)} ${plan.sweepSamples}x${plan.sweepRepetitions} steps`;
  return {
    batches: `batches ${plan.generations.map(generationText).join(" ")} ${memory}`,
    rates: "rates",
    transformers: `transformers ${memory}`,
    sweep: `sweep ${sweep} ${memory}`,
    whole: `whole ${generationText(plan.whole)} batch ${plan.whole.batch}`,
    prompt: (tokens: number) => `prompt ${tokens} ${promptRepetitions(plan, tokens)} times`,
    decode: (generation: Generation) =>
      `decode ${generationText(generation)} ${plan.samples}x${plan.repetitions} steps ${memory}`,
  };
}
