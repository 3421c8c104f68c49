import type {
  Embedding,
  EmbedRequest,
  EncodeRequest,
  EngineInfo,
  EngineStats,
  GenerateChunk,
  GenerateRequest,
  TokenLogprob,
} from "@kvasir/core";
import type { EngineLike } from "../src/engine-like.ts";
import { FakeStore } from "./fake-store.ts";
import { fakeTokenizer } from "./fake-tokenizer.ts";

const info: EngineInfo = {
  model: "fake",
  fingerprint: "0".repeat(64),
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

const idle: EngineStats = {
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
  waitingTokens: 0,
  prefixQueryTokens: 0,
  prefixHitTokens: 0,
  preemptions: { recompute: 0, host: 0, file: 0 },
  recomputedTokens: 0,
  hostBytes: 0,
  spillBytes: 0,
  evictedTokensByPolicy: {},
  freedPagesByPolicy: {},
  sessions: 0,
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

/** Answers every request with `tokens`, and can be told to wait, to fail and to look busy. */
export class FakeEngine extends FakeStore implements EngineLike {
  info: EngineLike["info"] = info;
  tokenizer: EngineLike["tokenizer"] = fakeTokenizer;
  /** Its answer; default `fakeTokens`. */
  tokens = fakeTokens;
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
  busy: Partial<EngineStats> = {};

  stats(): EngineStats {
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

  /** Answers with this text, three bytes a token. */
  say(text: string): void {
    const bytes = Buffer.from(text);
    this.tokens = Array.from({ length: Math.ceil(bytes.length / 3) }, (_, at) =>
      bytes.subarray(3 * at, 3 * at + 3),
    );
  }

  async encode({ prompt, messages }: EncodeRequest): Promise<Int32Array> {
    if (prompt !== undefined && typeof prompt !== "string") return Int32Array.from(prompt);
    const text = prompt ?? messages!.map(({ role, content }) => `${role}: ${content}\n`).join("");
    return fakeTokenizer.encode(text, { addSpecial: messages === undefined });
  }

  /** The number of tokens, and the first one. */
  async embed({ prompt, signal }: EmbedRequest): Promise<Embedding> {
    if (this.failure !== undefined) throw this.failure;
    signal?.throwIfAborted();
    const ids = await this.encode({ prompt });
    return { vector: Float32Array.of(ids.length, ids[0] ?? 0, 0.5), promptTokens: ids.length };
  }

  async *generate(request: GenerateRequest): AsyncGenerator<GenerateChunk, void> {
    this.requests.push(request);
    this.active += 1;
    try {
      const { tokens } = this;
      const count = Math.min(request.maxTokens ?? tokens.length, tokens.length);
      const decoder = new TextDecoder();
      const prompt = request.promptLogprobs === undefined ? undefined : await this.encode(request);
      for (let at = 0; at < count; at += 1) {
        if (this.failure !== undefined && at === this.failAt) throw this.failure;
        if (at === this.hangAt) await this.#hang(request.signal);
        await Promise.resolve();
        request.signal?.throwIfAborted();
        const last = at === count - 1;
        yield {
          text: decoder.decode(tokens[at]!, { stream: !last }),
          ids: [at],
          ...(request.logprobs === undefined
            ? {}
            : { logprobs: [logprob(at, tokens[at]!, request.logprobs)] }),
          ...(at === 0 && prompt ? { promptLogprobs: promptLogprobs(prompt, request.promptLogprobs!) } : {}),
          ...(last ? ending(at + 1, tokens.length) : {}),
        };
      }
    } catch (error) {
      if (request.signal?.aborted) this.aborted.push(error);
      throw error;
    } finally {
      this.active -= 1;
    }
  }
}

function ending(count: number, all: number): Partial<GenerateChunk> {
  return {
    finishReason: count === all ? "stop" : "length",
    usage: { promptTokens: 7, completionTokens: count, cachedTokens: 3 },
    cache: { matched: 3, total: 7, firstDifference: 3, reason: "miss" },
    timings: { queued: 400, prefill: 600, decode: 1400, preemptions: 0 },
  };
}

function promptLogprobs(prompt: Int32Array, count: number): TokenLogprob[] {
  return Array.from(prompt.subarray(1), (id) => logprob(id, fakeTokenizer.tokenBytes(id), count));
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
