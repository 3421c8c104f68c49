import type { PolicyChoice } from "@kvasir/core";
import { ApiError } from "./api-error.ts";
import type { EngineLike, EngineTokenizer } from "./engine-like.ts";
import { invalidValue } from "./request-error.ts";

/** What bounds a request before the engine sees it. */
export type RequestLimits = {
  /** Tokens of context. */
  readonly maxPositions: number;
  /** Bytes of UTF-8 beyond which no text can fit the context; infinite where nothing is known of tokens. */
  readonly promptBytes: number;
  /** Of requests that name none. */
  readonly policy: string;
};

export function requestLimits({ info, tokenizer }: Pick<EngineLike, "info" | "tokenizer">): RequestLimits {
  const { maxPositions, policy } = info;
  const promptBytes = tokenizer ? maxPositions * longestToken(tokenizer) : Number.POSITIVE_INFINITY;
  return { maxPositions, promptBytes, policy };
}

function longestToken(tokenizer: EngineTokenizer): number {
  let longest = 1;
  for (let id = 0; id < tokenizer.vocabSize; id += 1) {
    longest = Math.max(longest, tokenizer.tokenBytes(id).length);
  }
  return longest;
}

/** Refuses text that can not fit, however it is cut into tokens: nothing is spent on reading it. */
export function checkText(texts: readonly string[], field: string, limits: RequestLimits): void {
  const bytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes <= limits.promptBytes) return;
  const message = `${field}: ${bytes} bytes of text can not fit a context of ${limits.maxPositions} tokens`;
  throw new ApiError(400, "context_length_exceeded", message, { param: field });
}

/** What one request may make the server hold: tokens times the log-probabilities of each, over all choices. */
const maxCost = 2 ** 22;

export type RequestCost = {
  readonly choices: number;
  /** Undefined: what the context leaves. */
  readonly maxTokens: number | undefined;
  /** Alternatives reported for each token; undefined: none is reported. */
  readonly logprobs: number | undefined;
  /** The prompt's log-probabilities are reported too. */
  readonly prompt: boolean;
  readonly kvCache: PolicyChoice | undefined;
};

/** With this policy a text may be longer than the context. */
function outgrows({ kvCache }: RequestCost, { policy }: RequestLimits): boolean {
  const chosen = kvCache === undefined ? policy : (kvCache.policy ?? "full");
  return typeof chosen !== "string" || chosen.includes("streaming-llm");
}

/** `field`: the one to blame where several choices are not. */
export function checkCost(cost: RequestCost, field: string, limits: RequestLimits): void {
  const { maxPositions } = limits;
  const generated = Math.min(
    cost.maxTokens ?? maxPositions,
    outgrows(cost, limits) ? Number.POSITIVE_INFINITY : maxPositions,
  );
  const tokens = generated + (cost.prompt ? maxPositions : 0);
  const each = cost.logprobs === undefined ? 1 : 1 + cost.logprobs;
  const total = cost.choices * tokens * each;
  if (total <= maxCost) return;
  throw invalidValue(
    cost.choices > 1 ? "n" : field,
    `${cost.choices} choices × ${tokens} tokens × ${each} values for each are ${total}, expected at most ${maxCost}`,
  );
}
