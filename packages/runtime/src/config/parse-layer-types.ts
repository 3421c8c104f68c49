import { parseLayerMap } from "../layer-map.ts";
import { LayerMapError } from "../layer-map-error.ts";
import type { ConfigFields } from "./config-fields.ts";
import type { FamilyTraits } from "./family-traits.ts";
import type { ModelConfig } from "./model-config.ts";
import { positionLimit } from "./parse-rope.ts";

type LayerTypes = Pick<ModelConfig, "layerMap" | "slidingWindow" | "forceNodiag" | "passes">;

/** Both LCKV and Mistral and Qwen take this where `sliding_window` is absent; null means none. */
const defaultWindow = 4096;

/**
 * Which layer attends to which keys and over what window: `layer_types` as LCKV's string or as
 * transformers' list, else what the family does with `sliding_window`.
 */
export function parseLayerTypes(config: ConfigFields, layers: number, traits: FamilyTraits): LayerTypes {
  const condensed = traits.sliding === "map";
  if (!condensed) refuseCondensed(config);
  const layerMap = readLayerMap(config, layers, traits);
  const slides = layerMap.includes("s");
  const slidingWindow = slides ? windowOf(config, traits) : undefined;
  const forceNodiag = condensed && config.boolean("force_nodiag", false);
  try {
    parseLayerMap(layerMap, { layers, slidingWindow, forceNodiag });
  } catch (error) {
    if (!(error instanceof LayerMapError)) throw error;
    throw config.invalid("layer_types", `a layer map (${error.message})`, error);
  }
  return { layerMap, slidingWindow, forceNodiag, passes: condensed ? passesOf(config) : 1 };
}

function readLayerMap(config: ConfigFields, layers: number, traits: FamilyTraits): string {
  const types = config.raw("layer_types");
  if (traits.sliding === "map" && typeof types === "string") return types;
  if (types === undefined) return identityMap(layers, slidingFrom(config, layers, traits));
  if (!Array.isArray(types) || types.length !== layers) {
    throw config.invalid("layer_types", `a list of ${layers} layer types`);
  }
  const names = ["full_attention", "sliding_attention"];
  const unknown = types.findIndex((type) => !names.includes(type));
  if (unknown >= 0) {
    throw config.unsupported("layer_types", `each of ${names.join(", ")} (entry ${unknown} is not)`);
  }
  return identityMap(layers, (layer) => types[layer] === "sliding_attention");
}

/** The family's rule for a config without `layer_types`. */
function slidingFrom(config: ConfigFields, layers: number, traits: FamilyTraits): (layer: number) => boolean {
  switch (traits.sliding) {
    case "map":
      return () => false;
    case "none":
      if (config.raw("sliding_window") === undefined) return () => false;
      throw config.unsupported("sliding_window", 'nothing without layer_types, or model_type "mistral"');
    case "all": {
      const absent = config.has("sliding_window") && config.raw("sliding_window") === undefined;
      return () => !absent;
    }
    case "upper": {
      const first = config.integer("max_window_layers", 0, 2 ** 20, 28);
      const used = config.boolean("use_sliding_window", false) && windowOrNone(config) !== undefined;
      return (layer) => used && layer >= Math.min(first, layers);
    }
  }
}

function identityMap(layers: number, sliding: (layer: number) => boolean): string {
  return Array.from({ length: layers }, (_, layer) => `${layer}${sliding(layer) ? "s" : ""}`).join("_");
}

function windowOf(config: ConfigFields, traits: FamilyTraits): number {
  if (!config.boolean("use_sliding_window", traits.sliding !== "upper")) {
    throw config.invalid("use_sliding_window", "true, or no sliding_attention in layer_types");
  }
  const window = windowOrNone(config);
  if (window === undefined) throw config.invalid("sliding_window", "a window for the layers that slide");
  return window;
}

function windowOrNone(config: ConfigFields): number | undefined {
  if (config.has("sliding_window") && config.raw("sliding_window") === undefined) return undefined;
  return config.integer("sliding_window", 1, positionLimit, defaultWindow);
}

/** `m + b` of Wu and Tu 2024 (arXiv 2405.10637): passes without and with gradient. */
function passesOf(config: ConfigFields): number {
  const forward = config.integer("forward_passes", 0, 1024, 7);
  const backward = config.integer("backward_passes", 0, 1024, 2);
  if (forward + backward < 1) throw config.invalid("backward_passes", "at least 1 where forward_passes is 0");
  if (config.boolean("use_sequential", false)) {
    throw config.unsupported("use_sequential", "false: a prompt is read in passes");
  }
  return forward + backward;
}

function refuseCondensed(config: ConfigFields): void {
  if (typeof config.raw("layer_types") === "string") {
    throw config.invalid("layer_types", 'a list, or model_type "lckv-llama" for a layer map');
  }
  for (const field of ["forward_passes", "backward_passes", "force_nodiag"]) {
    if (config.raw(field) === undefined || config.raw(field) === false) continue;
    throw config.unsupported(field, 'nothing without model_type "lckv-llama"');
  }
}
