import type { Policy, PolicyDefinition } from "@kvasir/kv-policies";
import { loadModel, type Model, type QuantizeTarget } from "@kvasir/runtime";
import { EngineError } from "./engine-error.ts";
import type { KvCacheOptions } from "./engine-options.ts";
import { MeasuringDevice } from "./measuring-device.ts";
import { freeMemory, parseBytes } from "./memory-size.ts";
import { checkPolicies, choosePolicy } from "./policy-choice.ts";
import { received } from "./received.ts";

export type FitOptions = {
  /** A checkpoint directory, or a GGUF file. Of its weights only the headers are read. */
  readonly model: string;
  readonly weights?: QuantizeTarget;
  /** As the engine's; with `memory`, keys and values have to fit that too. */
  readonly kvCache?: KvCacheOptions;
  readonly policies?: readonly PolicyDefinition[];
  /** Tokens of one request, prompt and answer; default and at most: the model's context. */
  readonly context?: number;
  /** Requests of that length at once, 1 to 4,096; default 1. */
  readonly parallel?: number;
  /** Tokens of one step; default 512. */
  readonly stepTokens?: number;
  /** Bytes to fit into; default: what this process may still take. */
  readonly memory?: number | string;
};

/** What a model takes, in bytes, and what would fit. */
export type FitReport = {
  readonly family: string;
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly layerMap: string;
  readonly maxPositions: number;
  readonly kvDtype: string;
  readonly pageTokens: number;
  /** Over all KV layers and heads. */
  readonly bytesPerToken: number;
  readonly policy: string;
  readonly context: number;
  readonly parallel: number;
  /** Of the weights, before what a device may add to lay them out. */
  readonly weightBytes: number;
  /** Of the pages that so many requests of that length may need at once: enough for `kvCache.memory`. */
  readonly kvBytes: number;
  /** Of the buffers of one step. */
  readonly activationBytes: number;
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly fits: boolean;
  /** Tokens that each of `parallel` requests may have; 0: none. */
  readonly largestContext: number;
  /** Requests of `context` tokens that fit at once; 0: none. */
  readonly largestParallel: number;
};

const parallelLimit = 4096;

/** Says before loading whether a model fits. Throws as `Engine.load` does for the checkpoint and the options. */
export async function fitReport(options: FitOptions): Promise<FitReport> {
  const { kvCache = {}, stepTokens = 512 } = options;
  const policies = checkPolicies(options.policies);
  using device = new MeasuringDevice();
  using model = await loadModel(options.model, {
    device,
    ...(options.weights && { weights: options.weights }),
  });
  const { maxPositions } = model.config;
  const context = count("context", options.context ?? maxPositions, maxPositions);
  const parallel = count("parallel", options.parallel ?? 1, parallelLimit);
  const { dtype = "f16", pageTokens = 16 } = kvCache;
  const policy = choosePolicy(kvCache, { model, pageTokens, policies }, "invalid-options");
  const bytesPerToken = model.bytesPerToken(dtype);
  const pageBytes = (pageTokens * bytesPerToken) / (model.kvLayers * model.kvHeads);
  const kvBytes = (tokens: number, requests: number) =>
    requests * pageBytes * requestPages(tokens, { model, policy, pageTokens, chunkTokens: stepTokens });
  const activationBytes = (requests: number) => stepBytes(model, stepTokens, requests);
  const availableBytes = options.memory === undefined ? freeMemory() : parseBytes(options.memory, "memory");
  const kvLimit =
    kvCache.memory === undefined ? Number.POSITIVE_INFINITY : parseBytes(kvCache.memory, "kvCache.memory");
  const feasible = (tokens: number, requests: number) => {
    const bytes = kvBytes(tokens, requests);
    const total = model.weightBytes + bytes + activationBytes(requests);
    return bytes <= kvLimit && total <= availableBytes;
  };
  return {
    family: model.config.family,
    kvLayers: model.kvLayers,
    kvHeads: model.kvHeads,
    headDim: model.headDim,
    layerMap: model.layerMap.text,
    maxPositions,
    kvDtype: dtype,
    pageTokens,
    bytesPerToken,
    policy: policy.name,
    context,
    parallel,
    weightBytes: model.weightBytes,
    kvBytes: kvBytes(context, parallel),
    activationBytes: activationBytes(parallel),
    totalBytes: model.weightBytes + kvBytes(context, parallel) + activationBytes(parallel),
    availableBytes,
    fits: feasible(context, parallel),
    largestContext: largest(maxPositions, (tokens) => feasible(tokens, parallel)),
    largestParallel: largest(parallelLimit, (requests) => feasible(context, requests)),
  };
}

/** Pages that the engine promises to one request of so many tokens, all but one of them its prompt. */
function requestPages(
  tokens: number,
  {
    model: { kvLayers, kvHeads },
    policy,
    pageTokens,
    chunkTokens,
  }: {
    readonly model: Model;
    readonly policy: Policy;
    readonly pageTokens: number;
    readonly chunkTokens: number;
  },
): number {
  const prompt = Math.max(1, tokens - 1);
  let pages = 0;
  for (let layer = 0; layer < kvLayers; layer += 1) {
    const size = { layer, prompt, maxNew: tokens - prompt, chunk: chunkTokens };
    const { prefill, decode } = policy.maximumResident(size);
    pages += kvHeads * Math.ceil(Math.max(prefill, decode) / pageTokens);
  }
  return pages;
}

/** Of the buffers of a step in which every request samples a token. */
function stepBytes({ program }: Model, stepTokens: number, requests: number): number {
  const bytesOfFloat = 4;
  const rows = { tokens: stepTokens, outputs: Math.min(stepTokens, requests) };
  return program.buffers.reduce((sum, buffer) => sum + buffer.width * rows[buffer.rows] * bytesOfFloat, 0);
}

/** The largest number from 1 to `limit` that is feasible, where all smaller ones are too; 0: none. */
function largest(limit: number, feasible: (value: number) => boolean): number {
  let [low, high] = [0, limit];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (feasible(middle)) low = middle;
    else high = middle - 1;
  }
  return low;
}

function count(field: "context" | "parallel", value: number, high: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= high) return value;
  throw new EngineError(
    "invalid-options",
    `${field}: expected an integer in [1, ${high}], received ${received(value)}`,
    field,
  );
}
