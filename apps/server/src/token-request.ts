import type { EncodeRequest } from "@kvasir/core";
import { z } from "zod";
import { chatMessage, toEngineMessage } from "./chat-message.ts";
import { templateVariables } from "./chat-request.ts";
import { boolean, idsMeta, isTokenIds, shortString, type TokenIds, text } from "./field.ts";
import { invalidValue, missingValue, parseBody } from "./request-error.ts";
import { toolFields } from "./tool-fields.ts";

/** The body of `POST /tokenize`. */
export const tokenizeSchema = z.strictObject({
  model: shortString(512).nullish(),
  prompt: text("a string").nullish(),
  messages: z.array(chatMessage, { error: "an array of messages" }).min(1, { error: "a message" }).nullish(),
  tools: toolFields.tools,
  chat_template_kwargs: templateVariables,
  add_generation_prompt: boolean(),
  add_special_tokens: boolean(),
  return_token_strs: boolean(),
});

/** The body of `POST /detokenize`. */
export const detokenizeSchema = z.strictObject({
  model: shortString(512).nullish(),
  tokens: z.custom<TokenIds>(isTokenIds, { error: "an array of token ids" }).meta(idsMeta),
});

/** What to encode, checked. */
export type TokenizeRequest = {
  readonly encode: EncodeRequest;
  /** Put the tokens around the text that the vocabulary asks for. */
  readonly addSpecial: boolean;
  readonly tokenStrings: boolean;
  readonly model: string | undefined;
};

/** Checks a body of `POST /tokenize`. Throws a 400 `ApiError` that names the field. */
export function parseTokenizeRequest(body: Readonly<Record<string, unknown>>): TokenizeRequest {
  const parsed = parseBody(tokenizeSchema, body);
  const { prompt, messages, tools, chat_template_kwargs } = parsed;
  if (typeof prompt === "string" && messages) throw invalidValue("messages", "goes only without prompt");
  if (typeof prompt !== "string" && !messages) throw missingValue("prompt", "a string here, or messages");
  const rest = {
    addSpecial: parsed.add_special_tokens ?? true,
    tokenStrings: parsed.return_token_strs ?? false,
    model: parsed.model ?? undefined,
  };
  if (messages) {
    if (parsed.add_special_tokens)
      throw invalidValue("add_special_tokens", "the chat template says which; goes only with prompt");
    const encode = {
      messages: messages.map(toEngineMessage),
      ...(tools ? { tools } : {}),
      ...(chat_template_kwargs ? { templateVariables: chat_template_kwargs } : {}),
      ...(typeof parsed.add_generation_prompt === "boolean"
        ? { addGenerationPrompt: parsed.add_generation_prompt }
        : {}),
    };
    return { ...rest, encode };
  }
  for (const name of ["tools", "chat_template_kwargs", "add_generation_prompt"] as const) {
    if ((parsed[name] ?? undefined) !== undefined) throw invalidValue(name, "goes only with messages");
  }
  return { ...rest, encode: { prompt: prompt! } };
}

/** Checks a body of `POST /detokenize`. Throws a 400 `ApiError` that names the field. */
export function parseDetokenizeRequest(body: Readonly<Record<string, unknown>>): {
  readonly tokens: TokenIds;
  readonly model: string | undefined;
} {
  const parsed = parseBody(detokenizeSchema, body);
  return { tokens: parsed.tokens, model: parsed.model ?? undefined };
}
