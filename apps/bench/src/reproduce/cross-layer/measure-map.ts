import type { PartContext } from "../figure.ts";
import { type ContextTimes, type Generation, sampledContexts, slotsOf } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { LoadedModels } from "../loaded-models.ts";
import { timeDecoding, timePrompt } from "../time-in-turns.ts";
import { type CrossLayerModel, standardModel } from "./cross-layer-maps.ts";
import type { CrossLayerPlan } from "./cross-layer-plan.ts";

/** A map beside the standard model, in turns; milliseconds by model and repetition. */
export type MapResult = {
  readonly model: string;
  readonly prompts: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>>;
  /** A step at an equal batch and length. */
  readonly equal: Readonly<Record<string, readonly ContextTimes[]>>;
  /** Steps of each generation, each model at its own largest batch. */
  readonly generations: readonly {
    readonly generation: Generation;
    readonly batches: Readonly<Record<string, number>>;
    readonly steps: Readonly<Record<string, readonly ContextTimes[]>>;
  }[];
};

/** Times prompts, steps at an equal batch, and the steps of both generations at the largest batches. */
export async function measureMap(
  plan: CrossLayerPlan,
  model: CrossLayerModel,
  context: PartContext,
): Promise<MapResult> {
  const { shape } = context.settings;
  const standard = standardModel(shape.layers);
  const measured = [standard, model];
  const kvBytes = plan.standardSlots * kvBytesPerToken(shape, standard.layerMap, "f16");
  using loaded = await LoadedModels.open(measured, kvBytes, context);
  const models = measured.map(({ key }) => ({ key, model: loaded.models.get(key) }));
  const prompts: Record<string, Readonly<Record<string, readonly number[]>>> = {};
  const generations = [plan.short, plan.prompted];
  for (const [index, { prompt }] of generations.entries()) {
    const turns = loaded.turns(plan.promptRepetitions, index * 0.25, 0.25);
    prompts[prompt] = await timePrompt(models, prompt, turns);
  }
  await loaded.fill();
  const { batch, context: length } = plan.equal;
  const equal = await timeDecoding(
    models.map((one) => ({ ...one, batch })),
    length + 1,
    [length],
    loaded.turns(plan.repetitions, 0.5, 0.1),
  );
  const steps: MapResult["generations"][number][] = [];
  for (const [index, generation] of generations.entries()) {
    const sides = await loaded.largestSides(generation);
    steps.push({
      generation,
      batches: Object.fromEntries(sides.map((side) => [side.key, side.batch])),
      steps: await timeDecoding(
        sides,
        slotsOf(generation),
        sampledContexts(generation, plan.samples),
        loaded.turns(plan.repetitions, 0.6 + index * 0.2, 0.2),
      ),
    });
  }
  return { model: model.key, prompts, equal, generations: steps };
}
