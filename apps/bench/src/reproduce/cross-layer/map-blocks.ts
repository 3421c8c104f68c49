import type { Block, LineChartBlock, TableBlock } from "../figure.ts";
import { type Generation, generationText } from "../generation.ts";
import { kvBytesPerToken } from "../kv-bytes.ts";
import { identityMap } from "../layer-maps.ts";
import type { ReproduceShape } from "../reproduce-shape.ts";
import { shown, shownSpread, times } from "../show-number.ts";
import { type CrossLayerModel, crossLayerModels } from "./cross-layer-maps.ts";
import { type CrossLayerPlan, kvLayersOfShare } from "./cross-layer-plan.ts";
import { equalRatio, mapThroughput, promptRatio } from "./map-measures.ts";
import type { MapResult } from "./measure-map.ts";
import { publishedAccuracy } from "./published-accuracy.ts";

/** Results by the model's key. */
export type MapResults = ReadonlyMap<string, MapResult>;

/** A table for each share of the layers, and throughput over shares with and without prompts. */
export function mapBlocks(plan: CrossLayerPlan, results: MapResults, shape: ReproduceShape): Block[] {
  return [
    ...plan.shares.map(({ oneOver }) => shareTable(plan, oneOver, results, shape)),
    ...[plan.short, plan.prompted].map((generation) => shareChart(plan, generation, results, shape)),
  ].filter((block) => block !== undefined);
}

function shareTable(
  plan: CrossLayerPlan,
  oneOver: number,
  results: MapResults,
  shape: ReproduceShape,
): TableBlock {
  const { layers } = shape;
  const kvLayers = kvLayersOfShare(layers, oneOver);
  const standard = identityMap(layers);
  const { batch, context } = plan.equal;
  const accuracy = oneOver === 2;
  const bytes = (layerMap: string) => kvBytesPerToken(shape, layerMap, "f16");
  const row = (model: CrossLayerModel) => {
    const result = results.get(model.key);
    return [
      [model.name, ...model.same].join(", "),
      model.layerMap,
      bytes(model.layerMap).toLocaleString("en"),
      result && times(promptRatio(result, plan.prompted)),
      result && shownSpread(equalRatio(result), times),
      ...[plan.short, plan.prompted].flatMap((generation) => {
        const measured = result && mapThroughput(result, generation);
        return [
          measured && `${measured.batches.map} for ${measured.batches.standard}`,
          measured && shown(measured.rate.median),
          measured && shownSpread(measured.ratio, times),
        ];
      }),
      ...(accuracy ? [publishedAccuracy[model.name]?.toFixed(2)] : []),
    ];
  };
  return {
    kind: "table",
    caption: `${kvLayers} KV layers of ${layers}, next to a standard model measured in turns: one prompt of ${plan.prompted.prompt} tokens (less is faster), decoding of ${batch} sequences with ${context} tokens each, and throughput with prompts at each one's largest batch; medians (lowest-highest)`,
    columns: [
      "layout",
      "layer map",
      "KV bytes a token",
      "prompt's time",
      "decoding",
      ...[plan.short, plan.prompted]
        .map(generationText)
        .flatMap((text) => [`batches at ${text}`, `tok/s at ${text}`, `throughput at ${text}`]),
      ...(accuracy ? ["paper, accuracy of 1.1B with 11 of 22"] : []),
    ],
    rows: [
      [
        "standard",
        standard,
        bytes(standard).toLocaleString("en"),
        times(1),
        times(1),
        ...[plan.short, plan.prompted].flatMap(() => [undefined, undefined, times(1)]),
        ...(accuracy ? [publishedAccuracy.standard!.toFixed(2)] : []),
      ],
      ...crossLayerModels(layers, kvLayers).map(row),
    ],
  };
}

function shareChart(
  plan: CrossLayerPlan,
  generation: Generation,
  results: MapResults,
  { layers }: ReproduceShape,
): LineChartBlock | undefined {
  const names = new Map<string, { x: number; y: number }[]>();
  for (const { oneOver } of plan.shares) {
    const kvLayers = kvLayersOfShare(layers, oneOver);
    for (const model of crossLayerModels(layers, kvLayers)) {
      const result = results.get(model.key);
      const measured = result && mapThroughput(result, generation);
      if (!measured) continue;
      for (const name of [model.name, ...model.same]) {
        const points = names.get(name) ?? [];
        points.push({ x: kvLayers, y: measured.ratio.median });
        names.set(name, points);
      }
    }
  }
  if (names.size === 0) return undefined;
  return {
    kind: "lines",
    caption: `Throughput at ${generationText(generation)} over KV layers, each at its largest batch in the same memory`,
    x: { label: `KV layers of ${layers}`, scale: "linear" },
    y: { label: "throughput, of the standard model's", scale: "linear" },
    series: [...names].map(([name, points]) => ({
      name,
      kind: "measured",
      points: [...points, { x: layers, y: 1 }].sort((a, b) => a.x - b.x),
    })),
  };
}
