import type { GenerateRequest } from "@kvasir/core";
import { z } from "zod";
import {
  boolean,
  emptyArray,
  integer,
  label,
  maxCount,
  number,
  numberAbove,
  oneOf,
  shortString,
  text,
  unsupported,
} from "./field.ts";
import { kvCache, toPolicyChoice } from "./kv-cache-field.ts";

const stopLimit = 16;
const stopError = `a string of 1 to 1000 characters, or an array of at most ${stopLimit} of them`;
const stopString = text(stopError).min(1, { error: stopError }).max(1000, { error: stopError });
const idKeysError = "token ids as keys";

const logitBias = z
  // Zod's records pass over this one key.
  .custom<unknown>((bias) => !Object.hasOwn(Object(bias), "__proto__"), { error: idKeysError })
  .pipe(
    z
      .record(
        z.string().regex(/^(0|[1-9]\d{0,8})$/, { error: idKeysError }),
        z
          .number({ error: "a number from -100 to 100" })
          .min(-100, { error: "a number from -100 to 100" })
          .max(100, { error: "a number from -100 to 100" }),
        { error: "an object from token ids to numbers from -100 to 100" },
      )
      .refine((bias) => Object.keys(bias).length <= 1024, { error: "at most 1024 token ids" })
      .nullish(),
  )
  .optional();

/** The fields that both endpoints have, supported ones first. */
export const sharedFields = {
  model: shortString(512).nullish(),
  max_tokens: integer(1, maxCount),
  temperature: number(0, 2),
  top_p: numberAbove(0, 1),
  stop: z.union([stopString, z.array(stopString).max(stopLimit)], { error: stopError }).nullish(),
  stream: boolean(),
  stream_options: z
    .strictObject(
      {
        include_usage: boolean(),
        include_obfuscation: unsupported("padding of chunks is not supported", oneOf(false)),
      },
      { error: "an object with include_usage" },
    )
    .nullish(),
  seed: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  presence_penalty: number(-2, 2),
  frequency_penalty: number(-2, 2),
  logit_bias: logitBias,
  top_k: integer(0, maxCount),
  min_p: number(0, 1),
  repetition_penalty: numberAbove(0, 10),
  ignore_eos: boolean(),
  kv_cache: kvCache,
  n: unsupported("only one choice per request (n: 1) is supported", oneOf(1)),
  user: unsupported("expected a string of at most 512 characters", label),
};

/** What chat has besides and completions do not; no model here calls tools, sees or speaks. */
export const chatOnlyUnsupported = {
  tools: unsupported("tool calling is not supported", emptyArray),
  tool_choice: unsupported("tool calling is not supported", oneOf("none", "auto")),
  parallel_tool_calls: unsupported("tool calling is not supported", oneOf(true, false)),
  functions: unsupported("function calling is not supported", emptyArray),
  function_call: unsupported("function calling is not supported", oneOf("none", "auto")),
  response_format: unsupported(
    'structured output is not supported; only {"type": "text"} is',
    (value) => JSON.stringify(value) === '{"type":"text"}',
  ),
  modalities: unsupported("only text is supported", (value) => JSON.stringify(value) === '["text"]'),
  audio: unsupported("audio is not supported"),
  prediction: unsupported("predicted outputs are not supported"),
  reasoning_effort: unsupported("reasoning effort is not supported", oneOf("none")),
  verbosity: unsupported("verbosity is not supported", oneOf("medium")),
  web_search_options: unsupported("web search is not supported"),
  moderation: unsupported("moderation is not supported"),
  service_tier: unsupported("service tiers are not supported", oneOf("auto", "default")),
  store: unsupported("storing answers is not supported", oneOf(false)),
  metadata: unsupported(
    "expected an object of at most 16 short strings",
    (value) =>
      typeof value === "object" &&
      !Array.isArray(value) &&
      Object.keys(value ?? {}).length <= 16 &&
      Object.values(value ?? {}).every(label),
  ),
  prompt_cache_key: unsupported("expected a string of at most 512 characters", label),
  prompt_cache_retention: unsupported("cache retention is not supported", oneOf("in_memory", "in-memory")),
  safety_identifier: unsupported("expected a string of at most 512 characters", label),
};

type SharedFields = z.infer<z.ZodObject<typeof sharedFields>>;

/** The engine's request without its prompt, `maxTokens` and `logprobs`, which differ by endpoint. */
export function toSampling(body: SharedFields): GenerateRequest {
  return withoutUndefined({
    temperature: body.temperature ?? undefined,
    topP: body.top_p ?? undefined,
    topK: body.top_k ?? undefined,
    minP: body.min_p ?? undefined,
    repetitionPenalty: body.repetition_penalty ?? undefined,
    presencePenalty: body.presence_penalty ?? undefined,
    frequencyPenalty: body.frequency_penalty ?? undefined,
    logitBias: body.logit_bias ?? undefined,
    seed: body.seed ?? undefined,
    stop: body.stop ?? undefined,
    ignoreEos: body.ignore_eos ?? undefined,
    kvCache: body.kv_cache ? toPolicyChoice(body.kv_cache) : undefined,
  });
}

/** An absent field and one that is undefined are then the same to whoever lists the keys. */
export function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
