import { type Generation, slotsOf } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { publishedPasses } from "../random-model.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { decodeCost, promptCost, type SizedModel, stepSeconds } from "../step-cost.ts";
import { lckvModels } from "./lckv-models.ts";
import { type LckvPlan, plannedKvBytes, promptRepetitions } from "./lckv-plan.ts";

/** What two cores do in a second, on the slow side. */
const slow = { operations: 80e9, weightBytes: 10e9, kvBytes: 8e9 };
/** Seconds that it takes to draw a weight, and to fill a byte of pages. */
const [perWeight, perPageByte] = [8e-9, 1e-9];

/** About how long each part takes on two cores. */
export function expectedSeconds(plan: LckvPlan, shape: ReproduceShape) {
  const models = lckvModels(shape).map(
    ({ layerMap }): SizedModel => ({ shape, layerMap, passes: publishedPasses }),
  );
  const kvBytes = plannedKvBytes(plan, shape);
  const drawing = (model: SizedModel) =>
    perWeight * (decodeCost(model, 1, 0).weightBytes / 2 + shape.vocab * shape.hidden);
  const loading = models.reduce((sum, model) => sum + drawing(model), 0);
  const batchOf = ({ layerMap }: SizedModel, generation: Generation) =>
    Math.floor(kvBytes / (kvBytesPerToken(shape, layerMap, "f16") * slotsOf(generation)));
  const step = (model: SizedModel, generation: Generation, batch: number) =>
    stepSeconds(decodeCost(model, batch, generation.prompt + generation.generated / 2), slow);
  const sampled = (generation: Generation, steps: number, batch: (model: SizedModel) => number) =>
    models.reduce((sum, model) => sum + steps * step(model, generation, batch(model)), 0);
  const rounded = (seconds: number) => Math.ceil(1 + seconds);
  const { sweep, whole } = plan;
  return {
    prompt: (tokens: number) =>
      rounded(
        loading +
          promptRepetitions(plan, tokens) *
            models.reduce((sum, model) => sum + stepSeconds(promptCost(model, 1, tokens), slow), 0),
      ),
    decode: (generation: Generation) => {
      const steps = plan.repetitions * (plan.samples + 1);
      const timed = sampled(generation, steps, (model) => batchOf(model, generation));
      return rounded(loading + perPageByte * kvBytes + timed);
    },
    /** Batches that double cost twice the largest together. */
    sweep: rounded(
      loading +
        perPageByte * kvBytes +
        sampled(sweep, 2 * plan.sweepRepetitions * (plan.sweepSamples + 1), (model) => batchOf(model, sweep)),
    ),
    whole: rounded(
      (loading + sampled(whole, whole.generated + 2 * plan.repetitions * plan.samples, () => whole.batch)) /
        2,
    ),
    transformers: 90,
  };
}
