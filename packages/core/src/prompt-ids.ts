import { type ChatTemplate, type Tokenizer, TokenizerError } from "@kvasir/tokenizer";
import type { EncodeRequest } from "./encode-request.ts";
import { EngineError } from "./engine-error.ts";
import { received } from "./received.ts";

type Source = { readonly tokenizer: Tokenizer | undefined; readonly vocabSize: number };

function refuse(field: "prompt" | "messages" | "stop" | "format", reason: string, cause?: unknown): never {
  throw new EngineError("invalid-request", `${field}: ${reason}`, field, { cause });
}

/** The checkpoint's tokenizer, or `invalid-request` naming the field that needs one. */
export function needTokenizer(
  tokenizer: Tokenizer | undefined,
  field: "prompt" | "messages" | "stop" | "format",
): Tokenizer {
  return tokenizer ?? refuse(field, "this checkpoint has no tokenizer; pass token ids as prompt");
}

function chatTemplate(tokenizer: Tokenizer): ChatTemplate {
  return tokenizer.chatTemplate ?? refuse("messages", "this checkpoint has no chat template; pass a prompt");
}

async function encode(request: EncodeRequest, { tokenizer, vocabSize }: Source): Promise<Int32Array> {
  const { prompt, messages, tools, templateVariables: extra, addGenerationPrompt = true } = request;
  if (messages !== undefined) {
    if (!Array.isArray(messages) || messages.length === 0)
      refuse("messages", "expected at least one message");
    const speller = needTokenizer(tokenizer, "messages");
    const text = chatTemplate(speller).render({ messages, tools, extra, addGenerationPrompt });
    return speller.encodeAsync(text, { addSpecial: false });
  }
  if (typeof prompt === "string") {
    return needTokenizer(tokenizer, "prompt").encodeAsync(prompt, { parseSpecial: false });
  }
  const ids: readonly unknown[] | Int32Array =
    Array.isArray(prompt) || prompt instanceof Int32Array ? prompt : [prompt];
  const isId = (id: unknown) => typeof id === "number" && Number.isInteger(id) && id >= 0 && id < vocabSize;
  const wrong = ids.findIndex((id) => !isId(id));
  if (wrong >= 0) {
    refuse("prompt", `expected text or token ids in [0, ${vocabSize - 1}], received ${received(ids[wrong])}`);
  }
  return Int32Array.from(ids as ArrayLike<number>);
}

/**
 * The ids of a request's prompt; text and conversations are encoded without holding up the event loop. What a
 * chat template or the vocabulary refuses is the request's fault: `invalid-request`.
 */
export async function promptIds(request: EncodeRequest, source: Source): Promise<Int32Array> {
  const field = request.messages === undefined ? "prompt" : "messages";
  const ids = await encode(request, source).catch((error: unknown) =>
    error instanceof TokenizerError ? refuse(field, error.message, error) : Promise.reject(error),
  );
  const unknown = ids.find((id) => id >= source.vocabSize);
  if (unknown !== undefined)
    refuse(field, `has token ${unknown}, but the model's vocabulary ends at ${source.vocabSize - 1}`);
  return ids.length > 0 ? ids : refuse(field, "expected at least one token, received none");
}
