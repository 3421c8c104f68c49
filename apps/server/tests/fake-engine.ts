import type { EngineInfo, EngineStats, GenerateChunk, GenerateRequest, TokenLogprob } from "@kvasir/core";
import type { CacheStats } from "../src/cache-stats.ts";
import type { EngineLike } from "../src/engine-like.ts";
import { FakeStore } from "./fake-store.ts";

const info: EngineInfo = {
  model: "fake",
  family: "llama",
  device: "none",
  backend: "interpreter",
  layers: 8,
  kvLayers: 3,
  kvHeads: 2,
  headDim: 32,
  layerMap: "0_6_6_6_6_6_6_7",
  vocabSize: 4096,
  maxPositions: 512,
  weightBytes: 28_000_000,
  weightDtypes: ["q4_k", "q6_k"],
  kvDtype: "f32",
  bytesPerToken: 1536,
  pageTokens: 16,
  pages: 1024,
  kvBytes: 3_145_728,
  tokenCapacity: 2048,
  fullRequests: 4,
  policy: "full",
  policyOptions: { budget: 1 },
};

const idle: EngineStats & CacheStats = {
  running: 0,
  waiting: 0,
  paused: 0,
  freePages: 1024,
  usedPages: 0,
  kvBytes: 0,
  peakKvBytes: 0,
  logicalTokens: 0,
  residentTokens: 0,
  signalBytes: 0,
  evictedSlots: 0,
  steps: 0,
  promptTokens: 0,
  generatedTokens: 0,
  scoredTokens: 0,
  cachedPages: 0,
  ownedPages: 0,
  waitingTokens: 0,
  prefixQueryTokens: 0,
  prefixHitTokens: 0,
  preemptions: { recompute: 0, host: 0, file: 0 },
  recomputedTokens: 0,
  hostBytes: 0,
  spillBytes: 0,
  evictedTokensByPolicy: {},
  freedPagesByPolicy: {},
  lastTick: 0,
};

/** The tokens of its one answer: the third and fourth are the halves of one character. */
export const fakeTokens: readonly Uint8Array[] = [
  Buffer.from("Once"),
  Buffer.from(" upon"),
  Uint8Array.of(0xc3),
  Uint8Array.of(0xa9),
  Buffer.from("!"),
];

/** Answers every request with `fakeTokens`, and can be told to wait, to fail and to look busy. */
export class FakeEngine extends FakeStore implements EngineLike {
  readonly info = info;
  readonly requests: GenerateRequest[] = [];
  /** Generations that have begun and not ended. */
  active = 0;
  /** The reasons of the signals that ended a request. */
  readonly aborted: unknown[] = [];
  /** Thrown before piece number `failAt`; 0 is before the first. */
  failure: unknown;
  failAt = 0;
  /** Wait for the signal or for `release` before piece number `hangAt`. */
  hangAt: number | undefined;
  #releases: (() => void)[] = [];
  busy: Partial<EngineStats & CacheStats> = {};

  stats(): EngineStats & CacheStats {
    return { ...idle, ...this.busy };
  }

  /** Ends the waiting. */
  release(): void {
    for (const resolve of this.#releases.splice(0)) resolve();
  }

  #hang(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) resolve();
      signal?.addEventListener("abort", () => resolve(), { once: true });
      this.#releases.push(resolve);
    });
  }

  async *generate(request: GenerateRequest): AsyncGenerator<GenerateChunk, void> {
    this.requests.push(request);
    this.active += 1;
    try {
      const count = Math.min(request.maxTokens ?? fakeTokens.length, fakeTokens.length);
      for (let at = 0; at < count; at += 1) {
        if (this.failure !== undefined && at === this.failAt) throw this.failure;
        if (at === this.hangAt) await this.#hang(request.signal);
        await Promise.resolve();
        request.signal?.throwIfAborted();
        yield piece(at, at === count - 1, request);
      }
    } catch (error) {
      if (request.signal?.aborted) this.aborted.push(error);
      throw error;
    } finally {
      this.active -= 1;
    }
  }
}

function piece(at: number, last: boolean, request: GenerateRequest): GenerateChunk {
  const bytes = fakeTokens[at]!;
  const text = at === 2 ? "" : at === 3 ? "é" : Buffer.from(bytes).toString();
  return {
    text,
    ids: [at],
    ...(request.logprobs === undefined ? {} : { logprobs: [logprob(at, bytes, request.logprobs)] }),
    ...(last
      ? {
          finishReason: at === fakeTokens.length - 1 ? "stop" : "length",
          timings: { queued: 400, prefill: 600, decode: 1400, preemptions: 0 },
          usage: { promptTokens: 7, completionTokens: at + 1, cachedTokens: 3 },
        }
      : {}),
  };
}

function logprob(id: number, bytes: Uint8Array, count: number): TokenLogprob {
  const other = { id: 9, bytes: Buffer.from("other"), logprob: Number.NEGATIVE_INFINITY };
  return {
    id,
    bytes,
    special: false,
    logprob: -0.5,
    top: [{ id, bytes, logprob: -0.5 }, other].slice(0, count),
  };
}
