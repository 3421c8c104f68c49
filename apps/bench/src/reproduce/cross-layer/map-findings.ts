import { spreadOf } from "../../spread.ts";
import { generationText } from "../generation.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { listed, times } from "../show-number.ts";
import { type CrossLayerModel, crossLayerModels } from "./cross-layer-maps.ts";
import { type CrossLayerPlan, kvLayersOfShare } from "./cross-layer-plan.ts";
import type { MapResults } from "./map-blocks.ts";
import { mapThroughput, promptRatio } from "./map-measures.ts";
import type { MapResult } from "./measure-map.ts";

/** What counts as no difference between two measurements. */
const noise = 0.05;

type Measured = { readonly model: CrossLayerModel; readonly result: MapResult };

/** The study's findings on speed, each beside what was measured. */
export function mapFindings(plan: CrossLayerPlan, results: MapResults, shape: ReproduceShape): string[] {
  return plan.shares.flatMap(({ oneOver }) => {
    const kvLayers = kvLayersOfShare(shape.layers, oneOver);
    const measured = crossLayerModels(shape.layers, kvLayers).flatMap((model) => {
      const result = results.get(model.key);
      return result ? [{ model, result }] : [];
    });
    if (measured.length === 0) return [];
    const share = `${kvLayers} KV layers of ${shape.layers}`;
    return [
      ...throughputFinding(plan, oneOver, share, measured),
      ...promptFinding(plan, share, measured),
      ...promptedFinding(plan, share, measured),
    ];
  });
}

function throughputFinding(
  plan: CrossLayerPlan,
  oneOver: number,
  share: string,
  measured: readonly Measured[],
): string[] {
  const ratios = ratiosOf(plan, "short", measured);
  if (ratios.length === 0) return [];
  const reaching = ratios.filter(({ ratio }) => ratio >= 1 - noise);
  const { low, high } = spreadOf(ratios.map(({ ratio }) => ratio));
  const said =
    oneOver === 2
      ? ` The study finds that most reach the standard model's throughput or more at half of the cache: ${reaching.length * 2 > ratios.length ? "this agrees" : "this does not agree"}.`
      : "";
  return [
    `With ${share}, ${reaching.length} of ${ratios.length} maps reach the standard model's throughput at ${generationText(plan.short)} within ${noise * 100} % or exceed it (${times(low)} to ${times(high)}).${said}`,
  ];
}

function promptFinding(plan: CrossLayerPlan, share: string, measured: readonly Measured[]): string[] {
  const ratio = ({ result }: Measured) => promptRatio(result, plan.prompted);
  const bottom = measured.filter(({ model }) => isAcyclic(model)).map(ratio);
  const cyclic = measured.filter(({ model }) => !isAcyclic(model)).map(ratio);
  if (bottom.length === 0 || cyclic.length === 0) return [];
  const [free, passes] = [spreadOf(bottom), spreadOf(cyclic)];
  const agrees = free.high <= 1 + noise && passes.low > 1 + noise;
  return [
    `With ${share}, a prompt of ${plan.prompted.prompt} tokens takes ${times(free.low)} to ${times(free.high)} of the standard model's time where no layer's source lies above it, and ${times(passes.low)} to ${times(passes.high)} where some do and layers run in several passes. The study finds no extra cost for targets at the bottom and some for the others: ${agrees ? "this agrees" : "this does not agree in all maps"}.`,
  ];
}

function promptedFinding(plan: CrossLayerPlan, share: string, measured: readonly Measured[]): string[] {
  const cyclic = measured.filter(({ model }) => !isAcyclic(model));
  const prompted = ratiosOf(plan, "prompted", cyclic);
  const short = new Map(ratiosOf(plan, "short", cyclic).map(({ name, ratio }) => [name, ratio]));
  if (prompted.length === 0) return [];
  const falling = prompted.filter(({ name, ratio }) => ratio < (short.get(name) ?? 0));
  const below = prompted.filter(({ ratio }) => ratio < 1 - noise);
  const agrees = falling.length === prompted.length;
  const names =
    below.length > 0 ? `, ${listed(below.map(({ name, ratio }) => `${name} ${times(ratio)}`))}` : "";
  return [
    `With ${share} and targets at the top or in the middle, throughput next to the standard model's falls in ${falling.length} of ${prompted.length} maps when prompts of ${plan.prompted.prompt} tokens come in (${generationText(plan.prompted)}), and ${below.length} fall below it${names}. The study finds that it drops there and can go below the standard model's: ${agrees ? (below.length > 0 ? "this agrees" : "this agrees, though none goes below") : "this does not agree in all maps"}.`,
  ];
}

function ratiosOf(plan: CrossLayerPlan, which: "short" | "prompted", measured: readonly Measured[]) {
  return measured.flatMap(({ model, result }) => {
    const throughput = mapThroughput(result, plan[which]);
    return throughput ? [{ name: model.name, ratio: throughput.ratio.median }] : [];
  });
}

/** No layer's source lies above it. */
function isAcyclic({ layerMap }: CrossLayerModel): boolean {
  return layerMap.split("_").every((source, layer) => Number(source) <= layer);
}
