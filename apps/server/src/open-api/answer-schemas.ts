import { z } from "zod";

const count = z.int().min(0);
const share = z.number();
const nullable = <T extends z.ZodType>(schema: T) => z.union([schema, z.null()]);

const usage = z.strictObject({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  prompt_tokens_details: z.strictObject({ cached_tokens: count }),
});

const cache = z.strictObject({
  matched: count,
  total: count,
  first_diff_index: count,
  reason: z.enum(["hit", "miss", "evicted", "partial-block", "policy", "chunk", "off"]),
});

const head = { id: z.string(), created: count, model: z.string(), system_fingerprint: z.string() };

const tokenLogprob = { token: z.string(), logprob: share, bytes: z.array(count) };
const chatLogprobs = nullable(
  z.strictObject({
    content: z.array(
      z.strictObject({ ...tokenLogprob, top_logprobs: z.array(z.strictObject(tokenLogprob)) }),
    ),
    refusal: z.null(),
  }),
);
const chatFinish = z.enum(["stop", "length", "tool_calls"]);

const toolCall = z.strictObject({
  id: z.string(),
  type: z.literal("function"),
  function: z.strictObject({ name: z.string(), arguments: z.string() }),
});

/** `POST /v1/chat/completions`, whole. */
export const chatAnswer = z.strictObject({
  ...head,
  object: z.literal("chat.completion"),
  choices: z.array(
    z.strictObject({
      index: count,
      message: z.strictObject({
        role: z.literal("assistant"),
        content: nullable(z.string()),
        refusal: z.null(),
        tool_calls: z.array(toolCall).optional(),
      }),
      logprobs: chatLogprobs,
      finish_reason: chatFinish,
    }),
  ),
  usage,
  kv_cache: cache.optional(),
});

/** An event of its stream. */
export const chatEvent = z.strictObject({
  ...head,
  object: z.literal("chat.completion.chunk"),
  choices: z.array(
    z.strictObject({
      index: count,
      delta: z.strictObject({
        role: z.literal("assistant").optional(),
        content: z.string().optional(),
        refusal: z.null().optional(),
        tool_calls: z
          .array(
            z.strictObject({
              index: count,
              id: z.string().optional(),
              type: z.literal("function").optional(),
              function: z.strictObject({ name: z.string().optional(), arguments: z.string() }),
            }),
          )
          .optional(),
      }),
      logprobs: chatLogprobs,
      finish_reason: nullable(chatFinish),
    }),
  ),
  usage: nullable(usage).optional(),
  kv_cache: cache.optional(),
});

/** `POST /v1/completions`, whole or an event of its stream. */
export const completionAnswer = z.strictObject({
  ...head,
  object: z.literal("text_completion"),
  choices: z.array(
    z.strictObject({
      text: z.string(),
      index: count,
      logprobs: nullable(
        z.strictObject({
          tokens: z.array(z.string()),
          token_logprobs: z.array(nullable(share)),
          top_logprobs: z.array(nullable(z.record(z.string(), share))),
          text_offset: z.array(count),
        }),
      ),
      finish_reason: nullable(z.enum(["stop", "length"])),
    }),
  ),
  usage: nullable(usage).optional(),
  kv_cache: cache.optional(),
});

/** `POST /v1/embeddings`. */
export const embeddingAnswer = z.strictObject({
  object: z.literal("list"),
  data: z.array(
    z.strictObject({
      object: z.literal("embedding"),
      index: count,
      embedding: z.union([z.array(share), z.string()]),
    }),
  ),
  model: z.string(),
  usage: z.strictObject({ prompt_tokens: count, total_tokens: count }),
});

/** `POST /tokenize`. */
export const tokenizeAnswer = z.strictObject({
  count,
  max_model_len: count,
  tokens: z.array(count),
  token_strs: nullable(z.array(z.string())),
});

/** `POST /detokenize`. */
export const detokenizeAnswer = z.strictObject({ prompt: z.string() });

/** `GET /v1/models/{id}`. */
export const modelAnswer = z.strictObject({
  id: z.string(),
  object: z.literal("model"),
  created: count,
  owned_by: z.literal("kvasir"),
  max_model_len: count,
  kvasir: z.record(z.string(), z.unknown()),
});

/** `GET /v1/models`. */
export const modelsAnswer = z.strictObject({ object: z.literal("list"), data: z.array(modelAnswer) });

/** Whatever is not a success. */
export const errorAnswer = z.strictObject({
  error: z.strictObject({
    message: z.string(),
    type: z.enum([
      "invalid_request_error",
      "authentication_error",
      "permission_error",
      "not_found_error",
      "rate_limit_error",
      "server_error",
    ]),
    param: nullable(z.string()),
    code: z.string(),
  }),
});
