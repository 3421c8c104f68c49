import { totalmem } from "node:os";
import type { Figure, Part, ReproduceSettings, Section } from "../figure.ts";
import { generationText } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { identityMap } from "../layer-maps.ts";
import { publishedPasses } from "../random-model.ts";
import { shownBytes } from "../show-number.ts";
import { weightBytesOf } from "../step-cost.ts";
import { type CrossLayerModel, crossLayerModels } from "./cross-layer-maps.ts";
import { type CrossLayerPlan, crossLayerPlan, kvLayersOfShare } from "./cross-layer-plan.ts";
import { expectedMapSeconds } from "./expected-map-seconds.ts";
import { mapBlocks } from "./map-blocks.ts";
import { mapFindings } from "./map-findings.ts";
import { type MapResult, measureMap } from "./measure-map.ts";

/** The figure with lengths and repetitions of a plan. */
export function crossLayerOf(plan: CrossLayerPlan): Figure<MapResult> {
  return {
    name: "cross-layer",
    title: "Cross-layer sharing of keys and values: memory, prompts and throughput",
    source:
      "Wu, Wu and Tu 2024, A Systematic Study of Cross-Layer KV Sharing for Efficient LLM Inference (arXiv 2410.14442), its nine layouts; throughput is in its figures only",
    parts: (settings) => partsOf(plan, settings),
    section: (results, settings) => sectionOf(plan, results, settings),
  };
}

/** Layouts of the systematic study. */
export const crossLayer: Figure<MapResult> = crossLayerOf(crossLayerPlan);

function partsOf(plan: CrossLayerPlan, settings: ReproduceSettings): Part<MapResult>[] {
  if (!fitsMemory(plan, settings)) return [];
  const { shape } = settings;
  return plan.shares.flatMap(({ oneOver, rank }) => {
    const kvLayers = kvLayersOfShare(shape.layers, oneOver);
    return crossLayerModels(shape.layers, kvLayers).map((model) => ({
      key: partKey(plan, model),
      label: `${model.name}, ${kvLayers} KV layers`,
      seconds: expectedMapSeconds(plan, model, shape),
      rank,
      measure: (context) => measureMap(plan, model, context),
    }));
  });
}

/** What was measured with all its numbers. */
function partKey(plan: CrossLayerPlan, { key }: CrossLayerModel): string {
  const { standardSlots, short, prompted, samples, repetitions, promptRepetitions, equal } = plan;
  const turns = `${promptRepetitions} prompts ${samples}x${repetitions} steps ${equal.batch}x${equal.context}`;
  return `${key} ${generationText(short)} ${generationText(prompted)} ${turns} ${standardSlots} slots`;
}

function sectionOf(
  plan: CrossLayerPlan,
  results: ReadonlyMap<string, MapResult>,
  settings: ReproduceSettings,
): Section {
  const { shape, device } = settings;
  const byModel = new Map([...results.values()].map((result) => [result.model, result]));
  const bytes = shownBytes(kvBytesOf(plan, settings));
  return {
    run: `Llamas of the shape ${shape.name} with random bf16 weights and ${bytes} of f16 pages on ${device.description}. Each map is measured in turns with a standard model: prompts in chunks of 512 tokens, layers below their source with ${publishedPasses} passes over each; a static batch as large as the memory holds, its decoding steps sampled at ${plan.samples} lengths, ${plan.repetitions} times. The first layer always has keys and values of its own.`,
    blocks: mapBlocks(plan, byModel, shape),
    findings: mapFindings(plan, byModel, shape),
    missing: missing(plan, results, settings),
  };
}

function missing(
  plan: CrossLayerPlan,
  results: ReadonlyMap<string, MapResult>,
  settings: ReproduceSettings,
): string[] {
  const parts = partsOf(plan, settings).filter(({ key }) => !results.has(key));
  return [
    ...(fitsMemory(plan, settings)
      ? []
      : [
          `${settings.shape.name}: not measured: two models and their cache need ${shownBytes(neededBytes(plan, settings))}, this machine has ${shownBytes(totalmem())}.`,
        ]),
    ...parts.map(({ label }) => `Not measured in this run, which had no time for it or was ended: ${label}.`),
    "Quality: weights are random here. The study finds it competitive at half of the cache, and below that better with targets at the top or in the middle, best with sandwich-middle.",
    "A GPU: not measured: no CUDA backend in this version.",
  ];
}

function kvBytesOf({ standardSlots }: CrossLayerPlan, { shape }: ReproduceSettings): number {
  return standardSlots * kvBytesPerToken(shape, identityMap(shape.layers), "f16");
}

/** Two models and their cache. */
function neededBytes(plan: CrossLayerPlan, settings: ReproduceSettings): number {
  return 2 * weightBytesOf(settings.shape) + kvBytesOf(plan, settings);
}

/** Leaves a fifth of the machine's memory to others. */
function fitsMemory(plan: CrossLayerPlan, settings: ReproduceSettings): boolean {
  return neededBytes(plan, settings) < 0.8 * totalmem();
}
