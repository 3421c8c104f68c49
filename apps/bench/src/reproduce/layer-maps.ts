/** How layers are divided into groups that share keys and values (Wu, Wu and Tu 2024, arXiv 2410.14442). */
export const layerPartitions = ["pizza", "sandwich", "lasagna"] as const;
export type LayerPartition = (typeof layerPartitions)[number];

/** Which layer of a group computes the keys and values of all. */
export const layerTargets = ["bottom", "top", "middle"] as const;
export type LayerTarget = (typeof layerTargets)[number];

export type CrossLayerOptions = {
  /** Decoder layers, at least 1. */
  readonly layers: number;
  /** Layers with keys and values of their own, 1 to `layers`. */
  readonly kvLayers: number;
  readonly partition: LayerPartition;
  readonly target: LayerTarget;
};

/** The map of a standard decoder: every layer has keys and values of its own. */
export function identityMap(layers: number): string {
  requireCount("layers", layers, 1);
  return Array.from({ length: layers }, (_, layer) => layer).join("_");
}

/**
 * The map of LCKV (Wu and Tu 2024, arXiv 2405.10637): `warmup` layers with keys and values of their own, half of them
 * at the bottom and half at the top (of an odd number one more at the bottom), and between them layers that
 * attend to those of the highest of them: `0_20_20_..._20_21` for 22 layers and 2.
 *
 * @param warmup 0 to `layers - 1`; the cache has one KV layer more
 */
export function lckvMap(layers: number, warmup: number): string {
  requireCount("layers", layers, 1);
  requireCount("warmup", warmup, 0, layers - 1);
  return crossLayerMap({ layers, kvLayers: warmup + 1, partition: "sandwich", target: "top" });
}

/**
 * One of the nine layouts of the systematic study. Layers outside of groups have keys and values of their own.
 * `pizza`: the first `kvLayers - 1` are outside and the rest is one group. `sandwich`: half of those are at the
 * bottom (of an odd number one more), the others at the top. `lasagna`: only groups, as many as KV layers and of
 * sizes as equal as can be, larger ones above. A target in the middle of an even number of layers is the lower one.
 *
 * The study always gives the first layer keys and values of its own. Only in a lasagna does that change
 * anything: where the first group's target is not its first layer, the first layer is a group of its own.
 */
export function crossLayerMap({ layers, kvLayers, partition, target }: CrossLayerOptions): string {
  requireCount("layers", layers, 1);
  requireCount("kvLayers", kvLayers, 1, layers);
  const sources: number[] = [];
  for (const size of groupSizes(layers, kvLayers, partition, target)) {
    const source = sources.length + targetWithin(size, target);
    for (let layer = 0; layer < size; layer++) sources.push(source);
  }
  return sources.join("_");
}

/** Layers of each group from the bottom up; a layer outside of groups is one of size 1. */
function groupSizes(
  layers: number,
  kvLayers: number,
  partition: LayerPartition,
  target: LayerTarget,
): number[] {
  const alone = (count: number) => new Array<number>(count).fill(1);
  switch (partition) {
    case "pizza":
      return [...alone(kvLayers - 1), layers - kvLayers + 1];
    case "sandwich": {
      const below = Math.ceil((kvLayers - 1) / 2);
      return [...alone(below), layers - kvLayers + 1, ...alone(kvLayers - 1 - below)];
    }
    case "lasagna": {
      const equal = equalSizes(layers, kvLayers);
      if (kvLayers === 1 || targetWithin(equal[0]!, target) === 0) return equal;
      return [1, ...equalSizes(layers - 1, kvLayers - 1)];
    }
  }
}

function equalSizes(layers: number, groups: number): number[] {
  const end = (group: number) => Math.floor((group * layers) / groups);
  return Array.from({ length: groups }, (_, group) => end(group + 1) - end(group));
}

function targetWithin(size: number, target: LayerTarget): number {
  return { bottom: 0, top: size - 1, middle: Math.floor((size - 1) / 2) }[target];
}

function requireCount(name: string, value: number, low: number, high = 65_536): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw new RangeError(`${name}: expected a whole number from ${low} to ${high}, received ${value}`);
}
