import { drawingSeconds, fillingSeconds, twoCores } from "../expected-rates.ts";
import { slotsOf } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { identityMap } from "../layer-maps.ts";
import { publishedPasses } from "../random-model.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { decodeCost, promptCost, sizedModel, stepSeconds } from "../step-cost.ts";
import type { CrossLayerModel } from "./cross-layer-maps.ts";
import type { CrossLayerPlan } from "./cross-layer-plan.ts";

/** About how long a map's part takes on two cores. */
export function expectedMapSeconds(
  plan: CrossLayerPlan,
  { layerMap }: CrossLayerModel,
  shape: ReproduceShape,
): number {
  const standard = identityMap(shape.layers);
  const kvBytes = plan.standardSlots * kvBytesPerToken(shape, standard, "f16");
  const { equal, repetitions, samples } = plan;
  let seconds = 1 + fillingSeconds(kvBytes);
  for (const map of [standard, layerMap]) {
    const model = sizedModel(shape, map, publishedPasses);
    const step = (batch: number, context: number) => stepSeconds(decodeCost(model, batch, context), twoCores);
    seconds += drawingSeconds(shape) + 2 * repetitions * step(equal.batch, equal.context);
    for (const generation of [plan.short, plan.prompted]) {
      const { prompt, generated } = generation;
      seconds += plan.promptRepetitions * stepSeconds(promptCost(model, 1, prompt), twoCores);
      const batch = Math.floor(kvBytes / (kvBytesPerToken(shape, map, "f16") * slotsOf(generation)));
      seconds += repetitions * (samples + 1) * step(batch, prompt + generated / 2);
    }
  }
  return Math.ceil(seconds);
}
