import { type CacheReport, EngineError, type FinishReason, type Usage } from "@kvasir/core";
import type { ChoiceFinish } from "./answer-format.ts";
import type { ApiRequest } from "./api-request.ts";
import { type ChoicePiece, ChoiceReader } from "./choice-reader.ts";
import type { ChoiceChunk } from "./choices.ts";

/** A part of one choice, ready to be written. */
export type ChoicePart = ChoicePiece & {
  /** Nothing of this choice came before. */
  readonly first: boolean;
  /** On a choice's last part. */
  readonly finishReason: ChoiceFinish | undefined;
  /** On the last part of choice 0, where the request asked for it. */
  readonly cache: CacheReport | undefined;
};

/** What all choices of an answer came to. */
export type ChoicesEnd = {
  /** The first choice's. */
  readonly finishReason: FinishReason;
  /** Each prompt counts once. */
  readonly usage: Usage;
  readonly cache: CacheReport | undefined;
};

/** The choices of one answer while they grow. */
export class OpenChoices {
  readonly #request: ApiRequest;
  readonly #readers = new Map<number, ChoiceReader>();
  #unfinished: number;
  #finishReason: FinishReason = "stop";
  #cache: CacheReport | undefined;
  #usage: Usage = { promptTokens: 0, completionTokens: 0, cachedTokens: 0 };

  constructor(request: ApiRequest) {
    this.#request = request;
    this.#unfinished = request.prompts.length * request.n;
  }

  read({ index, chunk, echo }: ChoiceChunk): ChoicePart {
    const { tools, promptOnly, cacheReport } = this.#request;
    const known = this.#readers.get(index);
    const reader = known ?? new ChoiceReader({ tools, echo, promptOnly });
    this.#readers.set(index, reader);
    const piece = reader.read(chunk);
    const cache = cacheReport && index === 0 ? chunk.cache : undefined;
    const { finishReason, usage } = chunk;
    if (finishReason === undefined) return { ...piece, first: !known, finishReason, cache: undefined };
    if (usage === undefined) throw unfinished();
    this.#unfinished -= 1;
    this.#count(index, usage);
    if (index === 0) {
      this.#finishReason = finishReason;
      this.#cache = cache;
    }
    return { ...piece, first: !known, finishReason: reader.finish(finishReason), cache };
  }

  /** Throws where a choice has not ended. */
  end(): ChoicesEnd {
    if (this.#unfinished > 0) throw unfinished();
    return { finishReason: this.#finishReason, usage: this.#usage, cache: this.#cache };
  }

  #count(index: number, usage: Usage): void {
    const ofPrompt = index % this.#request.n === 0;
    const total = this.#usage;
    this.#usage = {
      promptTokens: total.promptTokens + (ofPrompt ? usage.promptTokens : 0),
      cachedTokens: total.cachedTokens + (ofPrompt ? usage.cachedTokens : 0),
      completionTokens: total.completionTokens + (this.#request.promptOnly ? 0 : usage.completionTokens),
    };
  }
}

function unfinished(): EngineError {
  return new EngineError("internal", "the engine's last piece lacks its finish reason or its usage");
}
