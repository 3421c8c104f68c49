import type { FinishReason, TokenLogprob, Usage } from "@kvasir/core";

/** What all objects of one answer share. */
export type AnswerHead = {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
  readonly systemFingerprint: string;
};

/** A piece of an answer, or all of it; `logprobs` where the request asked for them. */
export type AnswerPiece = { readonly text: string; readonly logprobs: readonly TokenLogprob[] | undefined };

/** How one endpoint writes one answer: as events or whole, never both. The objects are JSON values. */
export type AnswerFormat = {
  /** Events before the first piece of a stream. */
  opening(): readonly object[];
  piece(piece: AnswerPiece): object;
  closing(finishReason: FinishReason): object;
  usageEvent(usage: Usage): object;
  whole(answer: AnswerPiece, finishReason: FinishReason, usage: Usage): object;
};

export function usageBody(usage: Usage): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
}
