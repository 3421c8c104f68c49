import { drawingSeconds, fillingSeconds, twoCores } from "../expected-rates.ts";
import { type Generation, slotsOf } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { publishedPasses } from "../random-model.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { decodeCost, promptCost, type SizedModel, sizedModel, stepSeconds } from "../step-cost.ts";
import { lckvModels } from "./lckv-models.ts";
import { type LckvPlan, plannedKvBytes, promptRepetitions } from "./lckv-plan.ts";

type Model = SizedModel & { readonly bytesPerToken: number };

/** About how long each part takes on two cores. */
export function expectedSeconds(plan: LckvPlan, shape: ReproduceShape) {
  const models = lckvModels(shape).map(({ layerMap }) => ({
    ...sizedModel(shape, layerMap, publishedPasses),
    bytesPerToken: kvBytesPerToken(shape, layerMap, "f16"),
  }));
  const kvBytes = plannedKvBytes(plan, shape);
  const loading = models.length * drawingSeconds(shape);
  const batchOf = ({ bytesPerToken }: Model, generation: Generation) =>
    Math.floor(kvBytes / (bytesPerToken * slotsOf(generation)));
  const step = (model: Model, generation: Generation, batch: number) =>
    stepSeconds(decodeCost(model, batch, generation.prompt + generation.generated / 2), twoCores);
  const sampled = (generation: Generation, steps: number, batch: (model: Model) => number) =>
    models.reduce((sum, model) => sum + steps * step(model, generation, batch(model)), 0);
  const rounded = (seconds: number) => Math.ceil(1 + seconds);
  const { sweep, whole } = plan;
  return {
    prompt: (tokens: number) =>
      rounded(
        loading +
          promptRepetitions(plan, tokens) *
            models.reduce((sum, model) => sum + stepSeconds(promptCost(model, 1, tokens), twoCores), 0),
      ),
    decode: (generation: Generation) => {
      const steps = plan.repetitions * (plan.samples + 1);
      const timed = sampled(generation, steps, (model) => batchOf(model, generation));
      return rounded(loading + fillingSeconds(kvBytes) + timed);
    },
    /** Batches that double cost twice the largest together. */
    sweep: rounded(
      loading +
        fillingSeconds(kvBytes) +
        sampled(sweep, 2 * plan.sweepRepetitions * (plan.sweepSamples + 1), (model) => batchOf(model, sweep)),
    ),
    whole: rounded(
      (loading + sampled(whole, whole.generated + 2 * plan.repetitions * plan.samples, () => whole.batch)) /
        2,
    ),
    transformers: 90,
  };
}
