import { type Device, type QuantizeTarget, quantizeTargets, type Tensor } from "@kvasir/kernels";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import { openCheckpoint } from "./checkpoint/open-checkpoint.ts";
import { quoted } from "./checkpoint/safetensors-header.ts";
import type { ModelConfig } from "./config/model-config.ts";
import { compileGraph } from "./graph/compile.ts";
import { GraphBuilder } from "./graph/graph-builder.ts";
import { type LayerMap, parseLayerMap } from "./layer-map.ts";
import { DecoderModel, type Model } from "./model.ts";
import { ModelError } from "./model-error.ts";
import { decoder } from "./models/decoder.ts";
import { type LoadProgress, packWeights } from "./pack-weights.ts";

export type ModelOptions = {
  /** Where the model runs; it stays the caller's and must outlive the model. */
  readonly device: Device;
  /**
   * Passes over a prompt's chunk for layers whose source lies above them, at least 1; default: the
   * checkpoint's. As many as the chunk has tokens are exact. Only for a layer map with such layers.
   */
  readonly passes?: number;
  /**
   * Ends the passes once one changes no key or value by more than this; 0 (default): never. Under about
   * 1e-5 the rounding of single precision may keep it from being met. Only where `passes` is.
   */
  readonly tolerance?: number;
  /** Whether every layer attends strictly before its token; default: the checkpoint's `force_nodiag`. */
  readonly forceNodiag?: boolean;
  /**
   * Quantises the matrices of a float checkpoint, the output head's too, while they are loaded: an eighth
   * (`q4_0`, `q4_k`) or a quarter (`q8_0`) of the bytes of f32. Norms, biases and the embedding table stay. Rows
   * must be multiples of 32 (`q4_k`: 256). Not for a checkpoint that is quantised already.
   */
  readonly weights?: QuantizeTarget;
  /** Called at the start and after each matrix that takes work to load. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends loading early; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
};

/**
 * Loads a folder in the Hugging Face layout, or a GGUF file. Throws `CheckpointError` and `ConfigError` for
 * what the files say, `LayerMapError`, and `ModelError` for options and for weights that the model does not
 * use. Loading that fails keeps nothing.
 */
export async function loadModel(path: string, options: ModelOptions): Promise<Model> {
  const checkpoint = await openCheckpoint(path, options.device);
  try {
    return await modelOf(checkpoint, options);
  } finally {
    checkpoint.dispose();
  }
}

/** The model of an open checkpoint, which may be disposed afterwards. */
export async function modelOf(checkpoint: Checkpoint, options: ModelOptions): Promise<Model> {
  const { config } = checkpoint;
  const { device, weights, onProgress, signal } = options;
  checkWeights(weights);
  const map = parseLayerMap(config.layerMap, {
    layers: config.layers,
    slidingWindow: config.slidingWindow,
    forceNodiag: options.forceNodiag ?? config.forceNodiag,
  });
  const { passes, tolerance } = checkedPasses(map, config, options);
  const names = new Map<Tensor, string>();
  const owned = new Set<Tensor>();
  const weight = (name: string, shape: readonly number[]) => {
    const tensor = checkpoint.tensor(name, shape);
    owned.add(tensor);
    names.set(tensor, checkpoint.nameInFile(name));
    return tensor;
  };
  try {
    const { kvHeads, headDim, vocabSize } = config;
    const g = new GraphBuilder({ kvLayers: map.kvSources.length, kvHeads, headDim, vocabSize });
    const { logits, hidden } = decoder({ g, config, map, weight, passes, tolerance });
    const graph = g.finish(logits);
    refuseLeftovers(checkpoint);
    const nameOf = (tensor: Tensor) => names.get(tensor)!;
    const packed = await packWeights(graph, owned, { device, weights, onProgress, signal, nameOf });
    signal?.throwIfAborted();
    const executable = device.compile(compileGraph(packed));
    const compileEmbedder = () => device.compile(compileGraph({ ...packed, result: hidden }));
    return new DecoderModel(config, map, device, { executable, compileEmbedder }, [...owned]);
  } catch (error) {
    for (const tensor of owned) tensor.dispose();
    throw error;
  }
}

function checkWeights(weights: unknown): void {
  if (weights === undefined || quantizeTargets.some((target) => target === weights)) return;
  const received = typeof weights === "string" ? quoted(weights) : typeof weights;
  const allowed = `one of ${quantizeTargets.join(", ")}`;
  throw new ModelError("invalid-option", `weights is ${received}, expected ${allowed}`);
}

function checkedPasses(map: LayerMap, config: ModelConfig, options: ModelOptions) {
  for (const name of ["passes", "tolerance"] as const) {
    if (options[name] === undefined || map.groups.length > 0) continue;
    throw new ModelError(
      "invalid-option",
      `${name} is ${options[name]}, but in this model's layer map ${map.text} no layer's source lies above it`,
    );
  }
  const { passes = config.passes, tolerance = 0 } = options;
  if (!Number.isInteger(passes) || passes < 1 || passes > 0x7fffffff) {
    throw new ModelError("invalid-option", `passes is ${passes}, expected an integer, 1 to 2147483647`);
  }
  if (!Number.isFinite(tolerance) || tolerance < 0) {
    throw new ModelError("invalid-option", `tolerance is ${tolerance}, expected a finite number, 0 or more`);
  }
  return { passes, tolerance };
}

/** Tensors that other programs leave in checkpoints and that say nothing new. */
const harmless = /(^|\.)rotary_emb\.inv_freq$|\.attn_rot_embd(\.weight)?$/;

function refuseLeftovers(checkpoint: Checkpoint): void {
  const { config, path } = checkpoint;
  const leftovers = checkpoint
    .unused()
    .filter((name) => !harmless.test(name) && !(config.tiedEmbeddings && name === "lm_head.weight"));
  if (leftovers.length === 0) return;
  const shown = leftovers.slice(0, 8).map(quoted).join(", ") + (leftovers.length > 8 ? ", …" : "");
  throw new ModelError(
    "leftover-weights",
    `${path}: a ${config.family} model of layer map ${config.layerMap.slice(0, 100)} does not use ${leftovers.length} of its tensors: ${shown}`,
  );
}
