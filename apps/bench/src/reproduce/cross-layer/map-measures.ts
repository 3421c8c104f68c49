import { type Spread, spreadOf } from "../../spread.ts";
import { type Generation, generationText, sampledMs, throughputOf } from "../generation.ts";
import { standardKey } from "./cross-layer-maps.ts";
import type { MapResult } from "./measure-map.ts";

/** Throughput of a map over one generation at its largest batch, next to the standard model's at its own. */
export type MapThroughput = {
  readonly batches: { readonly standard: number; readonly map: number };
  /** Tokens a second, prompts included. */
  readonly rate: Spread;
  /** As a multiple of the standard model's in the same repetition. */
  readonly ratio: Spread;
};

/** Time of one prompt as a multiple of the standard model's. */
export function promptRatio({ prompts, model }: MapResult, { prompt }: Generation): number {
  const ms = prompts[prompt]!;
  return spreadOf(ms[model]!).median / spreadOf(ms[standardKey]!).median;
}

/** Decoding speed at the equal batch, as a multiple of the standard model's in the same repetition. */
export function equalRatio({ equal, model }: MapResult): Spread {
  const [own, standard] = [equal[model]![0]!.ms, equal[standardKey]![0]!.ms];
  return spreadOf(own.map((ms, repetition) => standard[repetition]! / ms));
}

/** Undefined where not one sequence of either fits. */
export function mapThroughput(result: MapResult, generation: Generation): MapThroughput | undefined {
  const { prompts, model, generations } = result;
  const text = generationText(generation);
  const found = generations.find((one) => generationText(one.generation) === text);
  if (!found?.batches[model] || !found.batches[standardKey]) return undefined;
  const ratesOf = (key: string) => {
    const batch = found.batches[key]!;
    const promptMs = spreadOf(prompts[generation.prompt]![key]!).median;
    return sampledMs(generation, found.steps[key]!).map((stepsMs) =>
      throughputOf(generation, { batch, promptMs, stepsMs }),
    );
  };
  const [own, standard] = [ratesOf(model), ratesOf(standardKey)];
  return {
    batches: { standard: found.batches[standardKey], map: found.batches[model] },
    rate: spreadOf(own),
    ratio: spreadOf(own.map((rate, repetition) => rate / standard[repetition]!)),
  };
}
