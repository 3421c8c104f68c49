import type { GenerateRequest } from "@kvasir/core";
import { z } from "zod";
import {
  boolean,
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
import type { FieldNames } from "./field-names.ts";
import { kvCache, toPolicyChoice } from "./kv-cache-field.ts";
import { servingFields, toServing, withOverflow } from "./serving-fields.ts";

/** Choices of one request, over all its prompts. */
export const maxChoices = 128;

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
  n: integer(1, maxChoices),
  ...servingFields,
  user: unsupported("expected a string of at most 512 characters", label),
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
    kvCache: withOverflow(body.kv_cache ? toPolicyChoice(body.kv_cache) : undefined, body.context_overflow),
    ...toServing(body),
  });
}

/** Names that depend on the request, for the engine's errors. */
export function fieldNamesOf(body: SharedFields): FieldNames {
  return typeof body.id_slot === "number" || typeof body.id_slot === "string" ? { session: "id_slot" } : {};
}

/** An absent field and one that is undefined are then the same to whoever lists the keys. */
export function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}
