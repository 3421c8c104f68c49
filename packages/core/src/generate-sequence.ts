import type { Sampling, StepResult } from "@kvasir/runtime";
import { StreamDecoder, type Tokenizer } from "@kvasir/tokenizer";
import type { CheckedRequest } from "./checked-request.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import type { FinishReason, GenerateChunk, TokenLogprob } from "./generation.ts";
import { Sequence, type SequenceOptions } from "./sequence.ts";

const empty = new Int32Array(0);

/** A sequence whose new tokens are sampled, spelled and streamed. */
export class GenerateSequence extends Sequence {
  readonly kind = "generate";
  readonly request: CheckedRequest;
  readonly queue = new ChunkQueue<GenerateChunk>();
  readonly #tokenizer: Tokenizer | undefined;
  readonly #decoder: StreamDecoder | undefined;
  readonly #eosIds: readonly number[];

  constructor(
    options: SequenceOptions & {
      readonly request: CheckedRequest;
      readonly tokenizer: Tokenizer | undefined;
      readonly eosIds: readonly number[];
    },
  ) {
    super(options);
    const { request, tokenizer } = options;
    this.request = request;
    this.#tokenizer = tokenizer;
    this.#decoder = tokenizer && new StreamDecoder(tokenizer, { stop: request.stop, skipSpecial: true });
    this.#eosIds = options.eosIds;
  }

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

  accept(result: StepResult, output: number): boolean {
    const id = result.tokens[output]!;
    const logprobs =
      this.request.logprobs >= 0
        ? tokenLogprob(this.#tokenizer, id, result.logprobs[output]!, result.top[output]!)
        : undefined;
    this.tokens.push(id);
    const ends = !this.request.ignoreEos && this.#eosIds.includes(id);
    let text = ends || id >= (this.#tokenizer?.vocabSize ?? 0) ? "" : (this.#decoder?.push(id) ?? "");
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
