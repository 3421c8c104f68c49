import type { CacheReport, FinishReason, TokenLogprob, Usage } from "@kvasir/core";

/** What all objects of one answer share. */
export type AnswerHead = {
  readonly id: string;
  /** Unix time in seconds. */
  readonly created: number;
  readonly model: string;
  readonly systemFingerprint: string;
};

/** A token of an answer; nothing predicts the first of a prompt. */
export type AnswerToken = Omit<TokenLogprob, "logprob"> & { readonly logprob: number | undefined };

/** The next part of a choice: of its content or of a call of a tool. */
export type Delta =
  | { readonly content: string }
  | { readonly call: number; readonly id: string; readonly name: string }
  | { readonly call: number; readonly arguments: string };

export type ToolCall = { readonly id: string; readonly name: string; readonly arguments: string };

/** `tool_calls`: it stopped after calls of tools. */
export type ChoiceFinish = FinishReason | "tool_calls";

/** Tokens where the request asked for log-probabilities. */
export type AnswerTokens = readonly AnswerToken[] | undefined;

/** One choice, whole. */
export type Choice = {
  readonly content: string;
  readonly calls: readonly ToolCall[];
  readonly tokens: AnswerTokens;
  readonly finishReason: ChoiceFinish;
};

/** What stands beside the choices. */
export type AnswerSummary = {
  readonly usage: Usage;
  /** Where the request asked for it. */
  readonly cache: CacheReport | undefined;
};

/** How one endpoint writes one answer: as events or whole, never both. The objects are JSON values. */
export type AnswerFormat = {
  /** Events before a choice's first part. */
  opening(index: number): readonly object[];
  /** An event for a part of a choice; without `delta` for tokens alone. */
  piece(index: number, delta: Delta | undefined, tokens: AnswerTokens): object;
  /** A choice's last event. */
  closing(index: number, finishReason: ChoiceFinish, cache: CacheReport | undefined): object;
  usageEvent(summary: AnswerSummary): object;
  whole(choices: readonly Choice[], summary: AnswerSummary): object;
};

export function usageBody(usage: Usage): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
}

/** `kv_cache` of an answer; nothing where there is no report. */
export function cacheBody(cache: CacheReport | undefined): object {
  if (cache === undefined) return {};
  const { matched, total, firstDifference, reason } = cache;
  return { kv_cache: { matched, total, first_diff_index: firstDifference, reason } };
}
