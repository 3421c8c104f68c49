import {
  type AttentionRead,
  type Device,
  type DType,
  dtypeBytes,
  type Executable,
  type PageMemory,
  type Program,
  type QueryWindow,
  type Step,
  type StepResult,
  type Tensor,
  type WeightDType,
} from "@kvasir/kernels";
import type { ModelConfig } from "./config/model-config.ts";
import type { LayerMap } from "./layer-map.ts";
import { ModelError } from "./model-error.ts";

/** A model's weights and its program, ready to run on one device. Holds no state of any sequence. */
export interface Model extends Disposable {
  readonly config: ModelConfig;
  readonly layerMap: LayerMap;
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  /** Width of what `embed` gives. */
  readonly hiddenSize: number;
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
  /**
   * [outputs, hiddenSize]: for each output of a step without sampling, the last layer's result after the final norm,
   * which is what the head makes logits of. Writes the pages as `run` does, for which a sequence may be begun or gone
   * on with by either. Windows of queries are those of `run` and refused. The first call compiles a second
   * program over the same weights, with work buffers of its own.
   */
  embed(memory: PageMemory, step: Step): Promise<Float32Array>;
  /** Memory for the newest queries of one sequence, 1 to 512. See `Executable.queryWindow`. */
  queryWindow(window: number): QueryWindow;
  /** What those queries say about slots of `memory`. See `Executable.readAttention`. */
  readAttention(memory: PageMemory, reads: readonly AttentionRead[]): Promise<Float32Array[]>;
  /** Frees the weights, their files and the work buffers. */
  dispose(): void;
}

/** A model that has been loaded. `compileEmbedder`: the program that ends before the head. */
export class DecoderModel implements Model {
  readonly config: ModelConfig;
  readonly layerMap: LayerMap;
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly weightBytes: number;
  readonly weightDtypes: readonly WeightDType[];
  readonly program: Program;
  readonly device: Device;
  readonly #executable: Executable;
  readonly #compileEmbedder: () => Executable;
  readonly #tensors: readonly Tensor[];
  #embedder: Executable | undefined;
  #disposed = false;

  constructor(
    config: ModelConfig,
    layerMap: LayerMap,
    device: Device,
    { executable, compileEmbedder }: { executable: Executable; compileEmbedder: () => Executable },
    tensors: readonly Tensor[],
  ) {
    this.config = config;
    this.layerMap = layerMap;
    this.kvLayers = layerMap.kvSources.length;
    this.kvHeads = config.kvHeads;
    this.headDim = config.headDim;
    this.vocabSize = config.vocabSize;
    this.hiddenSize = config.hiddenSize;
    this.weightBytes = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
    this.weightDtypes = matrixDtypes(executable.program);
    this.program = executable.program;
    this.device = device;
    this.#executable = executable;
    this.#compileEmbedder = compileEmbedder;
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

  async embed(memory: PageMemory, step: Step): Promise<Float32Array> {
    if (this.#disposed) throw new ModelError("disposed", "the model is disposed");
    this.#embedder ??= this.#compileEmbedder();
    const { logits } = await this.#embedder.run(memory, { ...step, returnLogits: true });
    return logits!;
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
    this.#embedder?.dispose();
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
