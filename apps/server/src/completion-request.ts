import type { GenerateRequest } from "@kvasir/core";
import { z } from "zod";
import type { ApiError } from "./api-error.ts";
import type { FieldNames } from "./engine-failure.ts";
import { integer, isTokenIds, oneOf, type TokenIds, text, unsupported } from "./field.ts";
import { invalidValue, parseBody } from "./request-error.ts";
import { sharedFields, toSampling } from "./sampling-fields.ts";

/** A request of either endpoint, checked. */
export type ApiRequest = {
  /** For the engine, still without its signal. */
  readonly generate: GenerateRequest;
  /** Undefined: the one that is loaded. */
  readonly model: string | undefined;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** For errors of the engine. */
  readonly fieldNames: FieldNames;
};

const promptError = "a string, an array of token ids, or an array with exactly one of these";
const promptText = text(promptError);
const tokenIds = z.custom<TokenIds>(isTokenIds, { error: promptError });

const schema = z.strictObject({
  prompt: z.union([promptText, tokenIds, z.tuple([promptText]), z.tuple([tokenIds])], { error: promptError }),
  ...sharedFields,
  logprobs: integer(0, 20),
  best_of: unsupported("only one candidate (best_of: 1) is supported", oneOf(1)),
  echo: unsupported("repeating the prompt is not supported", oneOf(false)),
  suffix: unsupported("inserting before a suffix is not supported", oneOf("")),
});

/** What OpenAI's legacy endpoint generates where the request does not say. */
const defaultMaxTokens = 16;

/** Checks a body of `POST /v1/completions`. Throws a 400 `ApiError` that names the field. */
export function parseCompletionRequest(body: Readonly<Record<string, unknown>>): ApiRequest {
  const several = severalPrompts(body.prompt);
  if (several !== undefined) throw several;
  const parsed = parseBody(schema, body);
  const stream = parsed.stream ?? false;
  checkStreamOptions(stream, parsed.stream_options);
  const [first] = typeof parsed.prompt === "string" ? [parsed.prompt] : parsed.prompt;
  const prompt = typeof first === "number" ? (parsed.prompt as TokenIds) : first!;
  const logprobs = parsed.logprobs ?? undefined;
  return {
    generate: {
      ...toSampling(parsed),
      prompt,
      maxTokens: parsed.max_tokens ?? defaultMaxTokens,
      ...(logprobs === undefined ? {} : { logprobs }),
    },
    model: parsed.model ?? undefined,
    stream,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    fieldNames: {},
  };
}

/** A 400 where options of a stream are given and no stream is asked for. */
export function checkStreamOptions(stream: boolean, options: object | null | undefined): void {
  if (!stream && options) throw invalidValue("stream_options", 'goes only with "stream": true');
}

function severalPrompts(prompt: unknown): ApiError | undefined {
  if (!Array.isArray(prompt) || prompt.length < 2 || typeof prompt[0] === "number") return undefined;
  return invalidValue("prompt", `one prompt per request is supported, received an array of ${prompt.length}`);
}
