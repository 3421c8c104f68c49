import type { Sampling, StepResult } from "@kvasir/runtime";
import { StreamDecoder, type Tokenizer } from "@kvasir/tokenizer";
import type { CheckedRequest } from "./checked-request.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import type { FinishReason, GenerateChunk, Timings } from "./generation.ts";
import { PromptLogprobs } from "./prompt-logprobs.ts";
import { Sequence, type SequenceOptions } from "./sequence.ts";
import { tokenLogprob } from "./token-logprob.ts";

const empty = new Int32Array(0);

/** A sequence whose new tokens are sampled, spelled and streamed. */
export class GenerateSequence extends Sequence {
  readonly kind = "generate";
  readonly request: CheckedRequest;
  readonly queue = new ChunkQueue<GenerateChunk>();
  readonly #tokenizer: Tokenizer | undefined;
  readonly #decoder: StreamDecoder | undefined;
  readonly #eosIds: readonly number[];
  readonly #prompt: PromptLogprobs | undefined;
  #firstToken: number | undefined;

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
    if (request.promptLogprobs >= 0)
      this.#prompt = new PromptLogprobs(options.prompt, request.promptLogprobs, tokenizer);
  }

  override get wantsPrompt(): boolean {
    return this.#prompt !== undefined && this.generated === 0;
  }

  override promptSampling(position: number): Sampling {
    return this.#prompt!.sampling(position);
  }

  override acceptPrompt(result: StepResult, output: number, position: number): void {
    this.#prompt!.accept(result, output, position);
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
    const isFirst = this.#firstToken === undefined;
    this.#firstToken ??= performance.now();
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
      ...(isFirst && this.#prompt && { promptLogprobs: this.#prompt.logprobs }),
      ...(finishReason && { finishReason, ...this.#account() }),
      ...(stopString !== undefined && { stopString }),
    });
    return finishReason !== undefined;
  }

  #account(): Pick<GenerateChunk, "usage" | "cache" | "timings"> {
    const { promptLength, generated, cache, submitted, preemptions } = this;
    const admitted = this.admitted ?? submitted;
    const first = this.#firstToken ?? admitted;
    const timings: Timings = {
      queued: admitted - submitted,
      prefill: first - admitted,
      decode: performance.now() - first,
      preemptions,
    };
    const cachedTokens = cache?.matched ?? 0;
    return {
      usage: { promptTokens: promptLength, completionTokens: generated, cachedTokens },
      ...(cache && { cache }),
      timings,
    };
  }
}
