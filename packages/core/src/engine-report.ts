import type { DType, WeightDType } from "@kvasir/runtime";
import type { PreemptionWay } from "./engine-event.ts";

/** What was loaded, for logs and `/v1/models`. Fixed for the life of an engine. */
export type EngineInfo = {
  /** The last part of the model's path. */
  readonly model: string;
  /** Hex SHA-256 of the model's files, the weights' in samples: the same wherever they lie. */
  readonly fingerprint: string;
  readonly family: string;
  readonly device: string;
  readonly backend: "native" | "interpreter";
  /** The source of the chat template, where the checkpoint has one that can be read. */
  readonly chatTemplate?: string;
  readonly layers: number;
  /** KV layers that the cache holds, as against `layers`. */
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly layerMap: string;
  readonly vocabSize: number;
  /** Tokens of context. */
  readonly maxPositions: number;
  /** Bytes of the weights in use, as they are laid out for the device. */
  readonly weightBytes: number;
  /** Number formats of the weights that matrix products read, the one with most bytes first. */
  readonly weightDtypes: readonly WeightDType[];
  readonly kvDtype: DType;
  /** Bytes of KV memory that one token takes over all KV layers and heads: keys, values, position and attention received. */
  readonly bytesPerToken: number;
  readonly pageTokens: number;
  readonly pages: number;
  readonly kvBytes: number;
  /** Tokens that the KV memory holds when nothing is evicted. */
  readonly tokenCapacity: number;
  /** `tokenCapacity / maxPositions`, not rounded. */
  readonly fullRequests: number;
  readonly policy: string;
  /** The policy's options, defaults filled in. */
  readonly policyOptions: Readonly<Record<string, unknown>>;
};

/** What is going on now. */
export type EngineStats = {
  readonly running: number;
  readonly waiting: number;
  /** Of those that run, how many rest because their readers are 256 pieces behind. */
  readonly paused: number;
  /** Prompt tokens of requests that wait. */
  readonly waitingTokens: number;
  readonly freePages: number;
  /** Pages that requests hold, those that they share counted once. */
  readonly usedPages: number;
  /** Pages that hold prefixes and that no request uses: as good as free. */
  readonly cachedPages: number;
  /** Bytes of the pages that requests hold, now and at their highest. */
  readonly kvBytes: number;
  readonly peakKvBytes: number;
  /** Tokens seen by the sequences that run. */
  readonly logicalTokens: number;
  /** Slots in use over all KV layers and heads, divided by their number. */
  readonly residentTokens: number;
  /** Bytes of the newest queries that are kept for policies of sequences that run; not part of `kvBytes`, and at most what all pages take, or one sequence's. */
  readonly signalBytes: number;
  readonly evictedSlots: number;
  /** By the policy's name: tokens that were evicted, which is slots divided by the number of heads, and pages that were given back. */
  readonly evictedTokensByPolicy: Readonly<Record<string, number>>;
  readonly freedPagesByPolicy: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Of given continuations. */
  readonly scoredTokens: number;
  /** Tokens that went through the model again after a preemption. */
  readonly recomputedTokens: number;
  /** Prompt tokens that were looked up in the prefix cache, and that were found there. */
  readonly prefixQueryTokens: number;
  readonly prefixHitTokens: number;
  /** How often a request gave its pages to others, by what became of them. */
  readonly preemptions: Readonly<Record<PreemptionWay, number>>;
  /** Conversations that are remembered by name. */
  readonly sessions: number;
  /** Bytes of preempted requests' pages in memory of the host, and in the spill file. */
  readonly hostBytes: number;
  readonly spillBytes: number;
  /** When the engine last did something, by `performance.now()`. */
  readonly lastTick: number;
};
