import { parseLayerMap } from "@kvasir/runtime";
import type { Generation } from "./generation.ts";
import { slotBytes } from "./kv-bytes.ts";
import { identityMap } from "./layer-maps.ts";
import type { ReproduceShape } from "./reproduce-shape.ts";

/** What a machine does in a second. */
export type MachineRates = {
  /** Operations of matrix products; a multiplication and an addition are two. */
  readonly operations: number;
  /** Bytes of weights: less than `kvBytes` where weights stay in the host's memory. */
  readonly weightBytes: number;
  /** Bytes of keys and values. */
  readonly kvBytes: number;
};

/** What one step asks of a machine. */
export type StepCost = {
  readonly operations: number;
  readonly weightBytes: number;
  readonly kvBytes: number;
};

/** A model of which only the sizes matter: bf16 weights, f16 or bf16 pages. */
export type SizedModel = {
  readonly shape: ReproduceShape;
  /** Numbers in the matrices of each layer. */
  readonly layerWeights: readonly number[];
  /** Of each layer over a prompt. */
  readonly passes: readonly number[];
};

const weightBytes = 2;

/** @param passes over a prompt, of layers whose source lies above them */
export function sizedModel(shape: ReproduceShape, layerMap: string, passes: number): SizedModel {
  const { hidden, intermediate, heads, kvHeads, headDim } = shape;
  const { layers, groups } = parseLayerMap(layerMap, { layers: shape.layers });
  const others = 2 * hidden * heads * headDim + 3 * hidden * intermediate;
  return {
    shape,
    layerWeights: layers.map(({ writesKv }) => others + (writesKv ? 2 * hidden * kvHeads * headDim : 0)),
    passes: layers.map(({ index }) =>
      groups.some(({ first, last }) => first <= index && index <= last) ? passes : 1,
    ),
  };
}

/**
 * Seconds of a step by the roofline (Williams, Waterman and Patterson, "Roofline", 2009): its operations or its bytes,
 * whichever take longer.
 */
export function stepSeconds(cost: StepCost, rates: MachineRates): number {
  const traffic = cost.weightBytes / rates.weightBytes + cost.kvBytes / rates.kvBytes;
  return Math.max(cost.operations / rates.operations, traffic);
}

/**
 * One decoding step of a batch. Every layer reads the keys and values that it attends to, its own or another's: a map
 * saves memory and projections, not reads.
 */
export function decodeCost({ shape, layerWeights }: SizedModel, batch: number, context: number): StepCost {
  const weights = layerWeights.reduce((sum, layer) => sum + layer, headWeights(shape));
  return {
    operations: batch * (2 * weights + shape.layers * attendOperations(shape, context)),
    weightBytes: weights * weightBytes,
    kvBytes: batch * context * shape.layers * shape.kvHeads * slotBytes(shape, "f16"),
  };
}

/** The prompts of a batch, all in one step. Passes beyond their tokens change nothing and are not run. */
export function promptCost(
  { shape, layerWeights, passes }: SizedModel,
  batch: number,
  tokens: number,
): StepCost {
  const times = passes.map((count) => Math.min(count, tokens));
  const read = layerWeights.reduce((sum, layer, index) => sum + layer * times[index]!, 0);
  // A token sees half of the prompt on average.
  const attend = times.reduce((sum, time) => sum + time, 0) * attendOperations(shape, tokens / 2) * tokens;
  return {
    operations: batch * (2 * (read * tokens + headWeights(shape)) + attend),
    weightBytes: (read + headWeights(shape)) * weightBytes,
    kvBytes: 0,
  };
}

/** Tokens a second of a batch, prompts included. Steps grow evenly, so the middle one stands for all. */
export function predictedThroughput(
  model: SizedModel,
  batch: number,
  { prompt, generated }: Generation,
  rates: MachineRates,
): number {
  const decoding = (generated - 1) * stepSeconds(decodeCost(model, batch, prompt + generated / 2), rates);
  const prompts = stepSeconds(promptCost(model, batch, prompt), rates);
  return (batch * generated) / (decoding + prompts);
}

/**
 * How much longer a step of one sequence spends reading weights than computing with them: up to about that batch, a step
 * takes as long as a step of one sequence.
 */
export function trafficToCompute(model: SizedModel, rates: MachineRates): number {
  const { operations, weightBytes: bytes } = decodeCost(model, 1, 0);
  return bytes / rates.weightBytes / (operations / rates.operations);
}

/** The same machine with weights that come at the rate that makes {@link trafficToCompute} of the model `ratio`. */
export function withTrafficToCompute(model: SizedModel, rates: MachineRates, ratio: number): MachineRates {
  const { operations, weightBytes: bytes } = decodeCost(model, 1, 0);
  return { ...rates, weightBytes: bytes / (ratio * (operations / rates.operations)) };
}

/** Bytes of all weights of a standard model, its embedding table included. */
export function weightBytesOf(shape: ReproduceShape): number {
  const { layerWeights } = sizedModel(shape, identityMap(shape.layers), 1);
  const matrices = layerWeights.reduce((sum, layer) => sum + layer, 2 * headWeights(shape));
  return matrices * weightBytes;
}

function headWeights({ vocab, hidden }: ReproduceShape): number {
  return vocab * hidden;
}

/** A product with each key and one with each value. */
function attendOperations({ heads, headDim }: ReproduceShape, context: number): number {
  return 4 * heads * headDim * context;
}
