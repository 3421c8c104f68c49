import type { PolicyDefinition, PolicyOptions } from "@kvasir/kv-policies";
import type { CpuLevel, DType, LoadProgress, QuantizeTarget } from "@kvasir/runtime";
import type { EngineEvent } from "./engine-event.ts";

/** How sequences' caches are cut down: a policy and its options (see @kvasir/kv-policies). */
export type PolicyChoice = PolicyOptions & {
  /**
   * A built-in name, or names joined: `adaptive+snapkv` wraps, `snapkv>h2o` is one for prompts and one for decoding.
   * Or a definition. Default `full`: nothing is evicted.
   */
  readonly policy?: string | PolicyDefinition;
};

export type KvCacheOptions = PolicyChoice & {
  /** Bytes for pages, as a number or like `512MiB`; default: a quarter of the free memory, at most what 16 requests of full length take. */
  readonly memory?: number | string;
  /** Format of keys and values in pages; default `f16`. */
  readonly dtype?: DType;
  /** Slots of a page: 16 (default) or 32. */
  readonly pageTokens?: 16 | 32;
  /**
   * Bytes for copies of preempted requests' pages, as a number or like `64MiB`, 0 for none; default: a quarter of the page
   * memory. Taken only as long as somebody waits to go on, and used where copying is cheaper than computing again.
   */
  readonly hostMemory?: number | string;
  /** A file for such copies where that memory is full; default: none. It has no name, and ends with the process. */
  readonly spill?: { readonly directory: string; readonly bytes: number | string };
};

export type EngineOptions = {
  /** A checkpoint directory, or a GGUF file. */
  readonly model: string;
  /**
   * Quantises the matrices of a float checkpoint while they are loaded; default: weights stay as they are. Not
   * for a file that is quantised already.
   */
  readonly weights?: QuantizeTarget;
  /** Called at the start and after each matrix that takes work to load. */
  readonly onLoadProgress?: (progress: LoadProgress) => void;
  /** Ends loading early; `Engine.load` rejects with its reason. Means nothing once the engine is there. */
  readonly signal?: AbortSignal;
  readonly kvCache?: KvCacheOptions;
  /**
   * Policies that `kvCache` and requests may name, alone or in combinations ("adaptive+mine"), besides the built-in
   * ones. Each has a name of its own.
   */
  readonly policies?: readonly PolicyDefinition[];
  /** `native` or `interpreter`; default: native, or with a warning the interpreter where no binary loads. */
  readonly backend?: "auto" | "native" | "interpreter";
  readonly threads?: number;
  readonly cpu?: CpuLevel;
  /** Tokens of one step, decode and prefill together; default 512. */
  readonly stepTokens?: number;
  /**
   * How long a step may take while somebody's answer is streamed, in milliseconds, 1 to 60,000; default 100. Prompts get
   * what is left of it less a margin, and 4 tokens at least; each further prompt that waits adds as much again, up to six
   * times in all. Chunks that must stay whole (cyclic layer maps) do not follow it.
   */
  readonly stepMilliseconds?: number;
  /** The largest chunk of one prompt in a step; default `stepTokens`. */
  readonly chunkTokens?: number;
  /** Sequences that run at once, `stepTokens` at most; default 64. */
  readonly maxRunning?: number;
  /** Requests that may wait, 0 or more; one more is refused with `overloaded`; default 256. */
  readonly maxWaiting?: number;
  /** Prompt tokens of requests that wait, 0 or more; over that, a request is refused with `overloaded` unless it is the only one; default 1,000,000. */
  readonly maxWaitingTokens?: number;
  /** Keep prefixes of prompts and answers in pages that nobody needs, and begin with them; default true. */
  readonly prefixCache?: boolean;
  /** Told what happens beside the answers, for logs and metrics. */
  readonly onEvent?: (event: EngineEvent) => void;
  /** Passes over a chunk for cyclic layer maps; default: the checkpoint's. */
  readonly passes?: number;
  /** Stop those passes once no key or value changed by more than this; default 0: never early. */
  readonly tolerance?: number;
  /** Count all pages after every `step`, or only when nothing runs (`idle`, the default). */
  readonly integrity?: "step" | "idle";
  /** Called with a sentence for the user; default `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
};
