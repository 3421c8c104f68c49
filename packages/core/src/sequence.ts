import type { Policy } from "@kvasir/kv-policies";
import type { SequencePages } from "@kvasir/paged-memory";
import type { Sampling } from "@kvasir/runtime";
import type { StreamDecoder, Tokenizer } from "@kvasir/tokenizer";
import type { CheckedRequest } from "./checked-request.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import type { FinishReason, GenerateChunk, TokenLogprob } from "./generation.ts";
import type { Schedulable } from "./schedule.ts";
import { TokenList } from "./token-list.ts";

/** What a step sampled for one sequence. */
export type Sampled = { readonly id: number; readonly logprobs: TokenLogprob | undefined };

const empty = new Int32Array(0);

/** One request on its way: its tokens, its pages, its policy and who reads the answer. */
export class Sequence implements Schedulable {
  readonly request: CheckedRequest;
  readonly policy: Policy;
  readonly promptLength: number;
  /** Prompt and generated tokens at most. */
  readonly maxLength: number;
  readonly wholeChunks: boolean;
  readonly tokens: TokenList;
  readonly queue = new ChunkQueue<GenerateChunk>();
  readonly #decoder: StreamDecoder | undefined;
  /** Ids from here on are rows of the embedding that no token has. */
  readonly #vocabSize: number;
  readonly #eosIds: readonly number[];
  /** Set when the request is admitted. */
  pages: SequencePages | undefined;
  /** Pages that are promised to it. */
  promised = 0;
  /** How an allocating policy divided the budget, [kvLayers * kvHeads]; set at the end of the prompt. */
  shares: Float32Array | undefined;
  #left = false;

  constructor(options: {
    request: CheckedRequest;
    policy: Policy;
    prompt: Int32Array;
    maxLength: number;
    /** The model's results depend on where a prompt is cut. */
    cyclic: boolean;
    decoder: StreamDecoder | undefined;
    /** Of the tokenizer. */
    vocabSize: number;
    eosIds: readonly number[];
  }) {
    this.request = options.request;
    this.policy = options.policy;
    this.promptLength = options.prompt.length;
    this.maxLength = options.maxLength;
    this.wholeChunks = options.cyclic || (this.policy.evicts && this.policy.options.prefill === "chunk");
    this.tokens = new TokenList(options.prompt);
    this.#decoder = options.decoder;
    this.#vocabSize = options.vocabSize;
    this.#eosIds = options.eosIds;
  }

  /** Tokens that went through the model; their keys and values were written, though some may be evicted by now. */
  get logical(): number {
    return this.pages?.seen ?? 0;
  }

  get pending(): number {
    return this.tokens.length - this.logical;
  }

  /**
   * Where it stands after a step: in its prompt (`chunk-end` where the policy evicts after every chunk), at the
   * end of it, or generating.
   */
  get phase(): "prefill" | "chunk-end" | "prompt-end" | "decode" {
    if (this.logical > this.promptLength) return "decode";
    if (this.logical === this.promptLength) return "prompt-end";
    return this.policy.options.prefill === "chunk" && this.logical > 0 ? "chunk-end" : "prefill";
  }

  get generated(): number {
    return this.tokens.length - this.promptLength;
  }

  /** Slots in use over all KV layers and heads. */
  get residentSlots(): number {
    if (!this.pages) return 0;
    const resident = new Int32Array(this.pages.heads);
    this.pages.residentInto(resident, 0);
    return resident.reduce((sum, slots) => sum + slots, 0);
  }

  /** Nobody reads on: to be dropped before the next step. */
  get left(): boolean {
    return this.#left;
  }

  /** The reader goes; with a reason, what is still read throws it. */
  leave(reason?: unknown): void {
    this.#left = true;
    if (reason !== undefined) this.queue.fail(reason);
  }

  /** How its next token is to be drawn. */
  sampling(): Sampling {
    const { request } = this;
    const penalised =
      request.repetitionPenalty !== 1 || request.presencePenalty !== 0 || request.frequencyPenalty !== 0;
    return {
      temperature: request.temperature,
      topK: request.topK,
      topP: request.topP,
      minP: request.minP,
      repetitionPenalty: request.repetitionPenalty,
      presencePenalty: request.presencePenalty,
      frequencyPenalty: request.frequencyPenalty,
      seed: request.seed,
      draw: this.generated,
      history: penalised ? this.tokens.view(0, this.tokens.length) : empty,
      promptLength: penalised ? this.promptLength : 0,
      biasIds: request.biasIds,
      biasValues: request.biasValues,
      topLogprobs: request.logprobs,
    };
  }

  /** Takes a sampled token, hands its text to the reader, and says whether the answer ends here. */
  accept({ id, logprobs }: Sampled): boolean {
    this.tokens.push(id);
    const ends = !this.request.ignoreEos && this.#eosIds.includes(id);
    let text = ends || id >= this.#vocabSize ? "" : (this.#decoder?.push(id) ?? "");
    const full = this.tokens.length >= this.maxLength;
    // What is flushed may complete a stop string; after one, nothing is.
    if (ends || full) text += this.#decoder?.flush() ?? "";
    const stopString = this.#decoder?.stopped;
    const finishReason: FinishReason | undefined =
      ends || stopString !== undefined ? "stop" : full ? "length" : undefined;
    this.queue.push({
      text,
      ids: [id],
      ...(logprobs && { logprobs: [logprobs] }),
      ...(finishReason && {
        finishReason,
        usage: { promptTokens: this.promptLength, completionTokens: this.generated, cachedTokens: 0 },
      }),
      ...(stopString !== undefined && { stopString }),
    });
    return finishReason !== undefined;
  }
}

/** The tokenizer's view of a sampled token, for `logprobs`. */
export function tokenLogprob(
  tokenizer: Tokenizer | undefined,
  id: number,
  logprob: number,
  top: { readonly ids: Int32Array; readonly logprobs: Float32Array },
): TokenLogprob {
  const known = (token: number) => (tokenizer && token < tokenizer.vocabSize ? tokenizer : undefined);
  const bytes = (token: number) => known(token)?.tokenBytes(token) ?? new Uint8Array(0);
  return {
    id,
    bytes: bytes(id),
    special: known(id)?.isSpecial(id) ?? false,
    logprob,
    top: Array.from(top.ids, (token, i) => ({ id: token, bytes: bytes(token), logprob: top.logprobs[i]! })),
  };
}
