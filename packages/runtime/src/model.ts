import {
  type AttentionRead,
  type Device,
  type DType,
  dtypeBytes,
  type Executable,
  type PageMemory,
  type Program,
  type QuantizeTarget,
  type QueryWindow,
  quantizeTargets,
  type Step,
  type StepResult,
  type Tensor,
  type WeightDType,
} from "@kvasir/kernels";
import type { Checkpoint } from "./checkpoint/checkpoint.ts";
import { openCheckpoint } from "./checkpoint/open-checkpoint.ts";
import { quoted } from "./checkpoint/safetensors-header.ts";
import type { ModelConfig } from "./config/model-config.ts";
import { compileGraph } from "./graph/compile.ts";
import { GraphBuilder } from "./graph/graph-builder.ts";
import { type LayerMap, parseLayerMap } from "./layer-map.ts";
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

/** A model's weights and its program, ready to run on one device. Holds no state of any sequence. */
export interface Model extends Disposable {
  readonly config: ModelConfig;
  readonly layerMap: LayerMap;
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  /** Bytes of the weights that the model uses, as they are laid out for the device. */
  readonly weightBytes: number;
  /** Number formats of the weights that matrix products read, the one with most bytes first. */
  readonly weightDtypes: readonly WeightDType[];
  readonly program: Program;
  readonly device: Device;
  /** Bytes that one token takes in a cache of that format: keys, values, and 8 bytes of slot data a head. */
  bytesPerToken(dtype: DType): number;
  /** Runs one step over pages of `memory`, which must be of the same device. See `Executable.run`. */
  run(memory: PageMemory, step: Step): Promise<StepResult>;
  /** Memory for the newest queries of one sequence, 1 to 512. See `Executable.queryWindow`. */
  queryWindow(window: number): QueryWindow;
  /** What those queries say about slots of `memory`. See `Executable.readAttention`. */
  readAttention(memory: PageMemory, reads: readonly AttentionRead[]): Promise<Float32Array[]>;
  /** Frees the weights, their files and the work buffers. */
  dispose(): void;
}

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
    const graph = g.finish(decoder({ g, config, map, weight, passes, tolerance }));
    refuseLeftovers(checkpoint);
    const nameOf = (tensor: Tensor) => names.get(tensor)!;
    const packed = await packWeights(graph, owned, { device, weights, onProgress, signal, nameOf });
    signal?.throwIfAborted();
    const executable = device.compile(compileGraph(packed));
    return new DecoderModel(config, map, device, executable, [...owned]);
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

class DecoderModel implements Model {
  readonly config: ModelConfig;
  readonly layerMap: LayerMap;
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly weightBytes: number;
  readonly weightDtypes: readonly WeightDType[];
  readonly program: Program;
  readonly device: Device;
  readonly #executable: Executable;
  readonly #tensors: readonly Tensor[];
  #disposed = false;

  constructor(
    config: ModelConfig,
    layerMap: LayerMap,
    device: Device,
    executable: Executable,
    tensors: readonly Tensor[],
  ) {
    this.config = config;
    this.layerMap = layerMap;
    this.kvLayers = layerMap.kvSources.length;
    this.kvHeads = config.kvHeads;
    this.headDim = config.headDim;
    this.vocabSize = config.vocabSize;
    this.weightBytes = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    this.weightDtypes = matrixDtypes(executable.program);
    this.program = executable.program;
    this.device = device;
    this.#executable = executable;
    this.#tensors = tensors;
  }

  bytesPerToken(dtype: DType): number {
    const slotData = 8; // a position and the attention received
    return this.kvLayers * this.kvHeads * (2 * this.headDim * dtypeBytes[dtype] + slotData);
  }

  async run(memory: PageMemory, step: Step): Promise<StepResult> {
    if (this.#disposed) throw new ModelError("disposed", "the model is disposed");
    return this.#executable.run(memory, step);
  }

  queryWindow(window: number): QueryWindow {
    if (this.#disposed) throw new ModelError("disposed", "the model is disposed");
    return this.#executable.queryWindow(window);
  }

  async readAttention(memory: PageMemory, reads: readonly AttentionRead[]): Promise<Float32Array[]> {
    if (this.#disposed) throw new ModelError("disposed", "the model is disposed");
    return this.#executable.readAttention(memory, reads);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#executable.dispose();
    for (const tensor of this.#tensors) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function matrixDtypes({ instructions, tensors }: Program): WeightDType[] {
  const matrices = instructions.flatMap((one) =>
    one.op === "linear" ? [one.weight] : one.op === "gated" ? [one.gate, one.up] : [],
  );
  const bytesOf = new Map<WeightDType, number>();
  for (const { dtype, bytes } of matrices.map((index) => tensors[index]!)) {
    bytesOf.set(dtype, (bytesOf.get(dtype) ?? 0) + bytes);
  }
  return [...bytesOf].sort(([, a], [, b]) => b - a).map(([dtype]) => dtype);
}
