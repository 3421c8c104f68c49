import type { Sampling, StepResult } from "@kvasir/runtime";
import { StreamDecoder, type Tokenizer } from "@kvasir/tokenizer";
import type { CheckedRequest } from "./checked-request.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import type { Awaited, FormatMask } from "./format-mask.ts";
import type { FinishReason, GenerateChunk, Timings } from "./generation.ts";
import { PromptLogprobs } from "./prompt-logprobs.ts";
import { Sequence, type SequenceOptions } from "./sequence.ts";
import { tokenLogprob } from "./token-logprob.ts";

const empty = new Int32Array(0);

/** A sequence whose new tokens are sampled, spelled and streamed. */
export class GenerateSequence extends Sequence implements Disposable {
  readonly kind = "generate";
  readonly request: CheckedRequest;
  readonly queue = new ChunkQueue<GenerateChunk>();
  readonly #tokenizer: Tokenizer | undefined;
  readonly #decoder: StreamDecoder | undefined;
  readonly #eosIds: readonly number[];
  readonly #prompt: PromptLogprobs | undefined;
  readonly #format: FormatMask | undefined;
  #firstToken: number | undefined;

  constructor(
    options: SequenceOptions & {
      readonly request: CheckedRequest;
      readonly tokenizer: Tokenizer | undefined;
      readonly eosIds: readonly number[];
      /** Its own, to be disposed of with it. */
      readonly format?: FormatMask | undefined;
    },
  ) {
    super(options);
    const { request, tokenizer, format } = options;
    this.request = request;
    this.#tokenizer = tokenizer;
    this.#decoder = tokenizer && new StreamDecoder(tokenizer, { stop: request.stop, skipSpecial: true });
    this.#eosIds = options.eosIds;
    if (request.promptLogprobs >= 0)
      this.#prompt = new PromptLogprobs(options.prompt, request.promptLogprobs, tokenizer);
    this.#format = format;
    format?.next(
      () => this.onReady?.(),
      (error) => this.#fail(error),
    );
  }

  override get awaited(): Awaited | undefined {
    return this.#format?.awaited;
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
      ...(this.#format && { allowed: this.#format.allowed }),
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
    const chunk: GenerateChunk = {
      text,
      ids: [id],
      ...(logprobs && { logprobs: [logprobs] }),
      ...(isFirst && this.#prompt && { promptLogprobs: this.#prompt.logprobs }),
      ...(stopString !== undefined && { stopString }),
    };
    if (this.#format && finishReason !== "stop") {
      this.#acceptInFormat(this.#format, id, chunk, finishReason);
      return false;
    }
    this.#push(chunk, finishReason);
    return finishReason !== undefined;
  }

  /** The piece waits for the next mask, which says whether it is the last one. */
  #acceptInFormat(
    format: FormatMask,
    id: number,
    chunk: GenerateChunk,
    finishReason: FinishReason | undefined,
  ): void {
    format.accept(id);
    format.next(
      (isComplete) => {
        const reason = isComplete ? "stop" : finishReason;
        // Flushed already where this is the last token anyhow.
        const rest = isComplete && finishReason === undefined ? (this.#decoder?.flush() ?? "") : "";
        this.#push({ ...chunk, text: chunk.text + rest }, reason);
        if (reason !== undefined) {
          this.queue.end();
          this.leave();
        }
        this.onReady?.();
      },
      (error) => this.#fail(error),
    );
  }

  #push(chunk: GenerateChunk, finishReason: FinishReason | undefined): void {
    this.queue.push({ ...chunk, ...(finishReason && { finishReason, ...this.#account() }) });
  }

  #fail(error: unknown): void {
    this.leave(error);
    this.onReady?.();
  }

  [Symbol.dispose](): void {
    this.#format?.[Symbol.dispose]();
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
