import { EngineError } from "@kvasir/core";
import { PolicyError } from "@kvasir/kv-policies";
import { ApiError } from "./api-error.ts";
import type { FieldNames } from "./field-names.ts";
import { formatFailure } from "./format-failure.ts";
import { snakeCase } from "./kv-cache-field.ts";

/** Seconds after which a refused client may try again; for a 429 the app puts what it measured in its place. */
const retryAfter = { "Retry-After": "1" };

/** OpenAI's clients try a 504 again by themselves, and this one would only add to the load. */
const doNotRetry = { "X-Should-Retry": "false" };

const jsonNames: FieldNames = {
  maxTokens: "max_tokens",
  topK: "top_k",
  topP: "top_p",
  minP: "min_p",
  repetitionPenalty: "repetition_penalty",
  presencePenalty: "presence_penalty",
  frequencyPenalty: "frequency_penalty",
  logitBias: "logit_bias",
  ignoreEos: "ignore_eos",
  kvCache: "kv_cache",
  promptLogprobs: "logprobs",
  templateVariables: "chat_template_kwargs",
  deadline: "timeout_ms",
  cacheSalt: "cache_salt",
  cachePrompt: "cache_prompt",
  ttlSeconds: "ttl_seconds",
};

/**
 * What the client is told when a request failed, with the engine's field names turned into those of the JSON;
 * `names` has the ones that depend on the request (`maxTokens` is `max_completion_tokens` where that was sent).
 * Nothing of an unforeseen error reaches the client: its message may hold paths or prompts.
 */
export function toApiError(error: unknown, names: FieldNames = {}): ApiError {
  if (error instanceof ApiError) return error;
  if (!(error instanceof EngineError)) return internal(error);
  if (error.code === "invalid-request" && error.param === "format") return formatFailure(error, names);
  const isOption = optionPattern.test(error.param ?? "");
  const own = isOption ? { ...names, ...optionName(error.param!) } : names;
  const param = error.param === undefined ? undefined : translate(error.param, own);
  const words = isOption ? withoutCamelCase(error.message) : error.message;
  const message = translate(words, own);
  const details = { cause: error, ...(param === undefined ? {} : { param }) };
  const code: string = error.code;
  switch (code) {
    case "invalid-request":
      return new ApiError(
        400,
        isUnknownOption(error) ? "unknown_parameter" : "invalid_value",
        message,
        details,
      );
    case "invalid-options":
      return new ApiError(400, "invalid_value", message, details);
    case "context-length-exceeded":
      return new ApiError(400, "context_length_exceeded", message, details);
    // It can never fit, so 400 rather than 503: clients try a 503 again by themselves.
    case "out-of-pages":
      return new ApiError(400, "out_of_pages", message, details);
    case "overloaded":
      return new ApiError(429, "overloaded", message, { ...details, headers: retryAfter });
    case "deadline-exceeded":
      return new ApiError(504, "deadline_exceeded", message, { ...details, headers: doNotRetry });
    case "session-refused":
      return new ApiError(/\bnot-found\b/.test(message) ? 404 : 409, "session_refused", message, details);
    case "policy-failed":
      return new ApiError(500, "policy_failed", message, details);
    case "disposed":
      return shuttingDown();
    default:
      return internal(error);
  }
}

export function queueIsFull(waiting: number, what: "requests" | "prompt tokens"): ApiError {
  const message = `the queue is full: ${waiting} ${what} wait; try again later`;
  return new ApiError(429, "overloaded", message, { headers: retryAfter });
}

export function shuttingDown(): ApiError {
  const headers = { ...retryAfter, Connection: "close" };
  return new ApiError(503, "shutting_down", "the server is shutting down", { headers });
}

function internal(cause: unknown): ApiError {
  return new ApiError(500, "internal_error", "internal error; the server's log has the cause", { cause });
}

/** Replaces whole words only, so that a policy's name in a message stays as the client wrote it. */
function translate(text: string, names: FieldNames): string {
  return text.replace(
    /\b[a-zA-Z][a-zA-Z0-9]*\b/g,
    (word) => own(names, word) ?? own(jsonNames, word) ?? word,
  );
}

/** An option of a policy: any name that a parameter may have. */
const optionPattern = /^kvCache\.(?!policy$)[a-z][a-zA-Z0-9]*$/;

function optionName(param: string): FieldNames {
  const name = param.slice("kvCache.".length);
  return { [name]: snakeCase(name) };
}

/** Other options that the message names; what stands in quotes is the client's or the policy's. */
function withoutCamelCase(message: string): string {
  return message.replace(/"[^"]*"|\b(?!kvCache\b)[a-z][a-z0-9]*[A-Z][a-zA-Z0-9]*\b/g, (word) =>
    word.startsWith('"') ? word : snakeCase(word),
  );
}

function isUnknownOption({ cause }: EngineError): boolean {
  return cause instanceof PolicyError && cause.code === "UNKNOWN_OPTION";
}

function own(names: FieldNames, word: string): string | undefined {
  return Object.hasOwn(names, word) ? names[word] : undefined;
}
