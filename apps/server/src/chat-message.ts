import { z } from "zod";
import type { EngineMessage } from "./engine-like.ts";
import { emptyArray, isObject, shortString, text, unsupported } from "./field.ts";
import { invalidValue, missingValue } from "./request-error.ts";
import { toolName } from "./tool-fields.ts";

const contentError = 'text: a string or an array of {"type": "text", "text": ...}';
const argumentsError = "a JSON object as a string";

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

const toolCall = z.strictObject(
  {
    id: shortString(128),
    type: z.literal("function", { error: '"function"' }),
    function: z.strictObject(
      { name: toolName, arguments: text(argumentsError) },
      { error: "an object with name and arguments" },
    ),
    // The place in a stream, which some clients leave in what they send back.
    index: z.int({ error: "an integer" }).nullish(),
  },
  { error: 'an object like {"id", "type": "function", "function": {"name", "arguments"}}' },
);

const roles = ["system", "developer", "user", "assistant", "tool"] as const;

/** One message of a conversation. */
export const chatMessage = z.strictObject(
  {
    role: z.enum(roles, { error: "one of system, developer, user, assistant, tool" }),
    content: content.nullish(),
    tool_calls: z.array(toolCall, { error: "an array of tool calls" }).nullish(),
    tool_call_id: shortString(128).nullish(),
    name: unsupported("names of participants are not supported"),
    // What an answer of this server, or OpenAI's client, holds besides, as clients send answers back.
    refusal: unsupported("refusals are not supported"),
    parsed: unsupported("it is read from content, which is sent back alone", () => true),
    annotations: unsupported("annotations are not supported", emptyArray),
    audio: unsupported("audio is not supported"),
    function_call: unsupported("the older form of tool calling; send tool_calls"),
  },
  { error: "an object with role and content" },
);

type ChatMessageBody = z.infer<typeof chatMessage>;

/** For the template. Throws a 400 `ApiError` that names the field of message `at`. */
export function toEngineMessage(message: ChatMessageBody, at: number): EngineMessage {
  const { role, content, tool_calls, tool_call_id } = message;
  const field = (name: string) => `messages[${at}].${name}`;
  const calls = tool_calls ?? [];
  const missing = content === null || content === undefined;
  if (missing && calls.length === 0) {
    throw missingValue(field("content"), contentError);
  }
  if (calls.length > 0 && role !== "assistant")
    throw invalidValue(field("tool_calls"), "only the assistant calls tools");
  if (role === "tool" && !tool_call_id) {
    throw missingValue(field("tool_call_id"), "the id of the call that this answers");
  }
  if (role !== "tool" && tool_call_id)
    throw invalidValue(field("tool_call_id"), 'goes only with role "tool"');
  return {
    // OpenAI's newer name of the same role; chat templates know the older one.
    role: role === "developer" ? "system" : role,
    content: contentText(content),
    ...(tool_call_id ? { tool_call_id } : {}),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map((call, nth) => ({
            id: call.id,
            type: call.type,
            function: {
              name: call.function.name,
              arguments: argumentsOf(call.function.arguments, field(`tool_calls[${nth}].function.arguments`)),
            },
          })),
        }),
  };
}

export function contentText(content: ChatMessageBody["content"]): string {
  if (content === null || content === undefined) return "";
  return typeof content === "string" ? content : content.map((part) => part.text).join("");
}

/** As an object: that is what chat templates print. */
function argumentsOf(json: string, field: string): object {
  if (json.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(json);
    if (isObject(value)) return value;
  } catch {
    // Told below, without the parser's words, which quote the text.
  }
  throw invalidValue(field, `expected ${argumentsError}`);
}
