import {
  crossLayerMap,
  identityMap,
  type LayerPartition,
  type LayerTarget,
  layerPartitions,
  layerTargets,
} from "../layer-maps.ts";
import type { MeasuredModel } from "../model-set.ts";

/** The standard model, every layer with keys and values of its own. */
export const standardKey = "standard";

/** A layout of the study. */
export type CrossLayerModel = MeasuredModel & {
  readonly partition: LayerPartition;
  readonly target: LayerTarget;
  readonly kvLayers: number;
  /** Other layouts whose map is the same. */
  readonly same: readonly string[];
};

export function standardModel(layers: number): MeasuredModel {
  return { key: standardKey, name: "standard", layerMap: identityMap(layers) };
}

/** Each different map of the nine layouts with so many KV layers, under the first name that it has. */
export function crossLayerModels(layers: number, kvLayers: number): readonly CrossLayerModel[] {
  const all = layerPartitions.flatMap((partition) =>
    layerTargets.map((target) => ({
      key: `${partition}-${target}-${kvLayers}`,
      name: `${partition}-${target}`,
      layerMap: crossLayerMap({ layers, kvLayers, partition, target }),
      partition,
      target,
      kvLayers,
    })),
  );
  const first = all.filter(
    ({ layerMap }, index) => all.findIndex((one) => one.layerMap === layerMap) === index,
  );
  return first.map((model) => ({
    ...model,
    same: all
      .filter(({ name, layerMap }) => name !== model.name && layerMap === model.layerMap)
      .map(({ name }) => name),
  }));
}
