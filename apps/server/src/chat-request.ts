import { z } from "zod";
import { type ApiRequest, checkStreamOptions } from "./completion-request.ts";
import type { EngineMessage } from "./engine-like.ts";
import { boolean, emptyArray, integer, maxCount, text, unsupported } from "./field.ts";
import { invalidValue, parseBody } from "./request-error.ts";
import { chatOnlyUnsupported, sharedFields, toSampling } from "./sampling-fields.ts";

const contentError = 'text: a string or an array of {"type": "text", "text": ...}';

const content = z.union(
  [
    text(contentError),
    z
      .array(
        z.strictObject(
          { type: z.literal("text", { error: contentError }), text: text("a string") },
          { error: contentError },
        ),
        { error: contentError },
      )
      .min(1),
  ],
  { error: contentError },
);

const roles = ["system", "developer", "user", "assistant"] as const;

const message = z.strictObject(
  {
    role: z.enum(roles, { error: "one of system, developer, user, assistant; tools are not supported" }),
    content,
    name: unsupported("names of participants are not supported"),
    // What an answer of this server, or OpenAI's client, holds besides, as clients send answers back.
    refusal: unsupported("refusals are not supported"),
    parsed: unsupported("structured output is not supported"),
    annotations: unsupported("annotations are not supported", emptyArray),
    audio: unsupported("audio is not supported"),
    tool_calls: unsupported("tool calling is not supported", emptyArray),
    function_call: unsupported("function calling is not supported"),
  },
  { error: "an object with role and content" },
);

const schema = z.strictObject({
  messages: z
    .array(message, { error: "an array of at least one message" })
    .min(1, { error: "an array of at least one message" }),
  ...sharedFields,
  max_completion_tokens: integer(1, maxCount),
  logprobs: boolean(),
  top_logprobs: integer(0, 20),
  ...chatOnlyUnsupported,
});

/** Checks a body of `POST /v1/chat/completions`. Throws a 400 `ApiError` that names the field. */
export function parseChatRequest(body: Readonly<Record<string, unknown>>): ApiRequest {
  const parsed = parseBody(schema, body);
  const stream = parsed.stream ?? false;
  checkStreamOptions(stream, parsed.stream_options);
  const newName = typeof parsed.max_completion_tokens === "number";
  if (newName && typeof parsed.max_tokens === "number") {
    throw invalidValue("max_tokens", "the older name of max_completion_tokens; send one of the two");
  }
  const maxTokens = parsed.max_completion_tokens ?? parsed.max_tokens ?? undefined;
  if (typeof parsed.top_logprobs === "number" && parsed.logprobs !== true) {
    throw invalidValue("top_logprobs", 'goes only with "logprobs": true');
  }
  return {
    generate: {
      ...toSampling(parsed),
      messages: parsed.messages.map(toEngineMessage),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(parsed.logprobs ? { logprobs: parsed.top_logprobs ?? 0 } : {}),
    },
    model: parsed.model ?? undefined,
    stream,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    fieldNames: {
      ...(newName ? { maxTokens: "max_completion_tokens" } : {}),
      logprobs: "top_logprobs",
    },
  };
}

function toEngineMessage({ role, content }: z.infer<typeof message>): EngineMessage {
  return {
    // OpenAI's newer name of the same role; chat templates know the older one.
    role: role === "developer" ? "system" : role,
    content: typeof content === "string" ? content : content.map((part) => part.text).join(""),
  };
}
