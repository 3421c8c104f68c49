import type { Device } from "@kvasir/kernels";
import {
  type Model,
  type ModelConfig,
  modelOf,
  parseLayerMap,
  plainFrequencies,
  type QuantizeTarget,
} from "@kvasir/runtime";
import { type ModelShape, type TensorPlan, tensorPlans } from "../synthesize/model-shape.ts";
import { RandomCheckpoint, type RandomDtype } from "./random-checkpoint.ts";
import type { ReproduceShape } from "./reproduce-shape.ts";

export type RandomModelOptions = {
  readonly shape: ReproduceShape;
  /** One entry a layer, in the syntax of published checkpoints. */
  readonly layerMap: string;
  /** Passes over a prompt's chunk, only for a map with layers whose source lies above them; default: 9 (m = 7, b = 2). */
  readonly passes?: number;
  /** As in `ModelOptions`. */
  readonly tolerance?: number;
  readonly forceNodiag?: boolean;
  /** Of the matrices; norms are f32. */
  readonly dtype: RandomDtype;
  /**
   * Standard deviation of all matrices, and norms of 1: 0.02 is how Hugging Face Transformers begins a Llama. Default:
   * all as `synthesize` draws them.
   */
  readonly deviation?: number;
  /** Quantises the matrices while they are loaded. */
  readonly weights?: QuantizeTarget;
  /** Stays the caller's and must outlive the model. */
  readonly device: Device;
  /** A whole number of 32 bits. Models of one seed and shape have the same matrices, whatever their maps. */
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** @param share of the weights that are made, 0 to 1 */
  readonly onProgress?: (share: number) => void;
};

/** `m + b` of Wu and Tu 2024 (arXiv 2405.10637): the passes that LCKV reads a prompt with. */
export const publishedPasses = 9;

const ropeBase = 10_000;
/** Longer than any measurement. */
const maxPositions = 2 ** 20;

/**
 * A Llama of a shape with random weights, drawn as `synthesize` draws them. Layers that take their keys and values from
 * another have no projections for them. Throws `LayerMapError`, and what `modelOf` does.
 */
export async function randomModel(options: RandomModelOptions): Promise<Model> {
  const { shape, layerMap, passes, tolerance, forceNodiag, weights, device, signal } = options;
  const { layers } = parseLayerMap(layerMap, { layers: shape.layers });
  const withoutKv = new Set(layers.filter(({ writesKv }) => !writesKv).map(({ index }) => index));
  const plans = tensorPlans(synthesizedShape(shape))
    .filter((plan) => !projectsKvOf(plan, withoutKv))
    .map((plan) => begun(plan, options.deviation));
  using checkpoint = await RandomCheckpoint.make({ ...options, config: configOf(shape, layerMap), plans });
  return await modelOf(checkpoint, {
    device,
    ...(passes !== undefined && { passes }),
    ...(tolerance !== undefined && { tolerance }),
    ...(forceNodiag !== undefined && { forceNodiag }),
    ...(weights && { weights }),
    ...(signal && { signal }),
  });
}

/** A tensor with the deviation that was asked for, if one was. */
function begun(plan: TensorPlan, deviation: number | undefined): TensorPlan {
  if (deviation === undefined) return plan;
  return { ...plan, deviation: plan.shape.length === 1 ? 0 : deviation };
}

function projectsKvOf({ name }: TensorPlan, layers: ReadonlySet<number>): boolean {
  const match = /^blk\.(\d+)\.attn_[kv]\./.exec(name);
  return match !== null && layers.has(Number(match[1]));
}

function synthesizedShape(shape: ReproduceShape): ModelShape {
  const { layers, hidden, intermediate, heads, kvHeads, headDim, vocab } = shape;
  return {
    architecture: "llama",
    layers,
    width: hidden,
    heads,
    kvHeads,
    headDim,
    mlp: intermediate,
    vocab,
    context: maxPositions,
    ropeBase,
    tied: false,
  };
}

function configOf(shape: ReproduceShape, layerMap: string): ModelConfig {
  const { layers, hidden, intermediate, heads, kvHeads, headDim, vocab } = shape;
  return {
    family: "lckv-llama",
    layers,
    hiddenSize: hidden,
    intermediateSize: intermediate,
    heads,
    kvHeads,
    headDim,
    vocabSize: vocab,
    rmsNormEps: 1e-5,
    maxPositions,
    tiedEmbeddings: false,
    qkvBias: false,
    outputBias: false,
    mlpBias: false,
    qkNorm: false,
    rope: { inverseFrequencies: plainFrequencies(ropeBase, headDim), scale: 1, interleaved: false },
    layerMap,
    slidingWindow: undefined,
    forceNodiag: false,
    passes: publishedPasses,
    bosId: undefined,
    eosIds: [],
  };
}
