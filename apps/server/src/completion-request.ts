import type { GenerateRequest } from "@kvasir/core";
import { z } from "zod";
import { ApiError } from "./api-error.ts";
import { type ApiRequest, checkStreamOptions } from "./api-request.ts";
import { boolean, integer, maxCount, oneOf, unsupported } from "./field.ts";
import { invalidValue, parseBody } from "./request-error.ts";
import { checkCost, checkText, type RequestLimits } from "./request-limits.ts";
import { fieldNamesOf, maxChoices, sharedFields, toSampling } from "./sampling-fields.ts";
import { checkSession } from "./serving-fields.ts";
import { inputList, textInput, textsOf } from "./text-input.ts";

/** The body of `POST /v1/completions`. */
export const completionSchema = z.strictObject({
  prompt: textInput(maxChoices),
  ...sharedFields,
  max_tokens: integer(0, maxCount),
  logprobs: integer(0, 20),
  best_of: integer(1, maxChoices),
  echo: boolean(),
  suffix: unsupported("inserting before a suffix is not supported", oneOf("")),
});

/** What OpenAI's legacy endpoint generates where the request does not say. */
const defaultMaxTokens = 16;

/** Checks a body of `POST /v1/completions`. Throws a 400 `ApiError` that names the field. */
export function parseCompletionRequest(
  body: Readonly<Record<string, unknown>>,
  limits: RequestLimits,
): ApiRequest {
  const parsed = parseBody(completionSchema, body);
  const stream = parsed.stream ?? false;
  checkStreamOptions(stream, parsed.stream_options);
  const n = parsed.n ?? 1;
  checkBestOf(parsed.best_of, n);
  const echo = parsed.echo ?? false;
  const maxTokens = parsed.max_tokens ?? defaultMaxTokens;
  if (maxTokens === 0 && !echo)
    throw invalidValue("max_tokens", 'expected at least 1; 0 goes only with "echo": true');
  const prompts = inputList(parsed.prompt);
  const choices = prompts.length * n;
  if (choices > maxChoices) {
    throw invalidValue(
      "n",
      `${prompts.length} prompts × ${n} choices: expected at most ${maxChoices} together`,
    );
  }
  const logprobs = parsed.logprobs ?? undefined;
  const sampling = toSampling(parsed);
  checkSession(parsed, choices);
  for (const text of textsOf(prompts)) checkText([text], "prompt", limits);
  checkCost(
    { choices, maxTokens, logprobs, prompt: echo && logprobs !== undefined, kvCache: sampling.kvCache },
    "logprobs",
    limits,
  );
  const generate: GenerateRequest = {
    ...sampling,
    maxTokens: Math.max(maxTokens, 1),
    ...(logprobs === undefined ? {} : { logprobs }),
    ...(echo && logprobs !== undefined ? { promptLogprobs: logprobs } : {}),
  };
  return {
    prompts: prompts.map((prompt) => ({ ...generate, prompt })),
    n,
    model: parsed.model ?? undefined,
    stream,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    echo,
    promptOnly: maxTokens === 0,
    tools: undefined,
    cacheReport: parsed.kv_cache?.debug ?? false,
    fieldNames: fieldNamesOf(parsed),
  };
}

function checkBestOf(bestOf: number | null | undefined, n: number): void {
  if (bestOf === null || bestOf === undefined || bestOf === n) return;
  const message = `best_of: choosing among more candidates than n is not supported, expected n (${n}), received ${bestOf}`;
  throw new ApiError(400, "unsupported_parameter", message, { param: "best_of" });
}
