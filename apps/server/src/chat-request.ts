import { z } from "zod";
import { type ApiRequest, checkStreamOptions } from "./api-request.ts";
import { chatMessage, contentText, toEngineMessage } from "./chat-message.ts";
import { boolean, integer, isObject, maxCount } from "./field.ts";
import { refusedFields } from "./refused-fields.ts";
import { invalidValue, parseBody } from "./request-error.ts";
import { checkCost, checkText, type RequestLimits } from "./request-limits.ts";
import { responseFormat, toFormat } from "./response-format-field.ts";
import { fieldNamesOf, sharedFields, toSampling } from "./sampling-fields.ts";
import { checkSession } from "./serving-fields.ts";
import { toolChoice, toolFields } from "./tool-fields.ts";
import { toolUse } from "./tool-use.ts";

const messagesError = "an array of at least one message";
const variablesError =
  "an object whose keys are names of variables, and not messages, tools or add_generation_prompt";
const ownVariables = ["messages", "tools", "add_generation_prompt"];

const isVariables = (value: unknown): boolean =>
  isObject(value) &&
  Object.keys(value).every((name) => /^[a-zA-Z]\w{0,63}$/.test(name) && !ownVariables.includes(name));

export const messages = z.array(chatMessage, { error: messagesError }).min(1, { error: messagesError });

/** Further variables for the chat template. */
export const templateVariables = z
  .custom<Readonly<Record<string, unknown>> | null>((value) => value === null || isVariables(value), {
    error: variablesError,
  })
  .meta({ type: ["object", "null"] })
  .optional();

/** The body of `POST /v1/chat/completions`. */
export const chatSchema = z.strictObject({
  messages,
  ...sharedFields,
  max_completion_tokens: integer(1, maxCount),
  logprobs: boolean(),
  top_logprobs: integer(0, 20),
  ...toolFields,
  response_format: responseFormat,
  chat_template_kwargs: templateVariables,
  ...refusedFields,
});

/**
 * Checks a body of `POST /v1/chat/completions`. `chatTemplate`: its source. Throws a 400 `ApiError` that names the
 * field.
 */
export function parseChatRequest(
  body: Readonly<Record<string, unknown>>,
  limits: RequestLimits,
  chatTemplate: string | undefined,
): ApiRequest {
  const parsed = parseBody(chatSchema, body);
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
  const n = parsed.n ?? 1;
  const sampling = toSampling(parsed);
  checkSession(parsed, n);
  const conversation = parsed.messages.map(toEngineMessage);
  checkText(
    parsed.messages.map((message) => contentText(message.content)),
    "messages",
    limits,
  );
  const logprobs = parsed.logprobs ? (parsed.top_logprobs ?? 0) : undefined;
  checkCost(
    { choices: n, maxTokens, logprobs, prompt: false, kvCache: sampling.kvCache },
    "top_logprobs",
    limits,
  );
  const choice = toolChoice(parsed);
  const tools = choice && toolUse(choice, chatTemplate);
  const format = toFormat(parsed.response_format);
  if (format && tools) {
    throw invalidValue("response_format", 'a format goes only without tools, or with "tool_choice": "none"');
  }
  return {
    prompts: [
      {
        ...sampling,
        messages: conversation,
        ...(maxTokens === undefined ? {} : { maxTokens }),
        ...(logprobs === undefined ? {} : { logprobs }),
        ...(parsed.chat_template_kwargs ? { templateVariables: parsed.chat_template_kwargs } : {}),
        ...(format ? { format } : {}),
        ...tools?.generate,
      },
    ],
    n,
    model: parsed.model ?? undefined,
    stream,
    includeUsage: parsed.stream_options?.include_usage ?? false,
    echo: false,
    promptOnly: false,
    tools,
    cacheReport: parsed.kv_cache?.debug ?? false,
    fieldNames: {
      ...fieldNamesOf(parsed),
      ...(newName ? { maxTokens: "max_completion_tokens" } : {}),
      logprobs: "top_logprobs",
      ...(format ? { "format.schema": "response_format.json_schema.schema" } : {}),
      ...tools?.fieldNames,
    },
  };
}
