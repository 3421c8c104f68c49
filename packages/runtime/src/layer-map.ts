import { LayerMapError } from "./layer-map-error.ts";

/**
 * Which slots a layer's queries see. `strict`: only those before their own (else their own too).
 * `window`: only the last so many tokens, their own included; 0: all.
 */
export type LayerMask = { readonly strict: boolean; readonly window: number };

/** One decoder layer's place in the cache. */
export type MappedLayer = {
  readonly index: number;
  /** The layer whose keys and values this layer's queries attend to; `index` for one that has its own. */
  readonly kvSource: number;
  /** Index of that source among the KV layers of the cache. */
  readonly kvLayer: number;
  /** It is its own source: it has k and v projections and stores what they give. */
  readonly writesKv: boolean;
  readonly mask: LayerMask;
};

/** Layers `first` to `last` that depend on each other in a circle and are run several times over a chunk. */
export type CyclicGroup = {
  readonly first: number;
  readonly last: number;
  /** The KV layers whose source lies above one of its readers, ascending. */
  readonly kvLayers: readonly number[];
};

/** Which KV layer every decoder layer reads (Wu et al. 2024, arXiv 2410.14442, section 3). */
export type LayerMap = {
  /** In the published syntax, as it was given. */
  readonly text: string;
  readonly layers: readonly MappedLayer[];
  /** The layer behind each KV layer, ascending; its length is the number of KV layers. */
  readonly kvSources: readonly number[];
  /** Disjoint, ascending; empty where no layer's source lies above it. */
  readonly groups: readonly CyclicGroup[];
};

export type LayerMapOptions = {
  /** Decoder layers of the model; the map has one entry for each. */
  readonly layers: number;
  /** Tokens that an `s` layer sees, at least 1. */
  readonly slidingWindow?: number | undefined;
  /** Every layer sees only what lies before (the convention of the LCKV paper's own branch). */
  readonly forceNodiag?: boolean;
};

/**
 * Reads a map in the syntax of published checkpoints: one layer number per layer joined by `_`, each
 * optionally followed by `s` for a sliding window. `0_6_6_6_6_6_6_7` is LCKV with two warm-up layers.
 * Throws `LayerMapError`.
 */
export function parseLayerMap(text: string, options: LayerMapOptions): LayerMap {
  const entries = text.split("_");
  if (entries.length !== options.layers) {
    throw new LayerMapError(
      `layer map has ${entries.length} entries, expected ${options.layers}, one a layer`,
    );
  }
  const parsed = entries.map((entry, index) => parseEntry(entry, index, options));
  for (const [index, { source }] of parsed.entries()) {
    const further = parsed[source]!.source;
    if (further === source) continue;
    throw new LayerMapError(
      `layer map entry ${index} names layer ${source}, which takes its keys and values from layer ${further}: ` +
        "a source must be its own source",
    );
  }
  const kvSources = [...new Set(parsed.map((entry) => entry.source))].sort((a, b) => a - b);
  const kvLayerOf = new Map(kvSources.map((source, kvLayer) => [source, kvLayer]));
  const layers = parsed.map(({ source, window }, index) => ({
    index,
    kvSource: source,
    kvLayer: kvLayerOf.get(source)!,
    writesKv: source === index,
    mask: { strict: source > index || options.forceNodiag === true, window },
  }));
  return { text, layers, kvSources, groups: cyclicGroups(layers) };
}

function parseEntry(entry: string, index: number, options: LayerMapOptions) {
  const match = /^(\d{1,9})(s?)$/.exec(entry);
  if (!match) {
    throw new LayerMapError(
      `layer map entry ${index} is ${JSON.stringify(entry.slice(0, 40))}, expected a layer number, then "s" for a sliding window`,
    );
  }
  const source = Number(match[1]);
  if (source >= options.layers) {
    throw new LayerMapError(
      `layer map entry ${index} names layer ${source}, expected 0 to ${options.layers - 1}`,
    );
  }
  const window = match[2] ? options.slidingWindow : 0;
  if (window === undefined || (match[2] && !(Number.isSafeInteger(window) && window >= 1))) {
    throw new LayerMapError(
      `layer map entry ${index} is ${entry}, a sliding window, but the window is ${window}, expected at least 1 token`,
    );
  }
  return { source, window };
}

/** A layer below its source must be run again up to it: intervals [layer, source], merged where they overlap. */
function cyclicGroups(layers: readonly MappedLayer[]): CyclicGroup[] {
  const groups: { first: number; last: number; kvLayers: number[] }[] = [];
  for (const { index, kvSource, kvLayer } of layers) {
    if (kvSource <= index) continue;
    let group = groups.at(-1);
    if (!group || index > group.last) {
      group = { first: index, last: kvSource, kvLayers: [] };
      groups.push(group);
    }
    group.last = Math.max(group.last, kvSource);
    if (!group.kvLayers.includes(kvLayer)) group.kvLayers.push(kvLayer);
  }
  for (const group of groups) group.kvLayers.sort((a, b) => a - b);
  return groups;
}
