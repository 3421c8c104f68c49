import {
  type ChatTemplate,
  StreamDecoder,
  TemplateError,
  TemplateLimitError,
  type Tokenizer,
} from "@kvasir/tokenizer";
import type { CheckedRequest } from "./checked-request.ts";
import { EngineError } from "./engine-error.ts";
import type { ChatMessage, GenerateRequest } from "./generate-request.ts";
import type { LoadedEngine } from "./load-engine.ts";
import { choosePolicy } from "./policy-choice.ts";
import { Sequence } from "./sequence.ts";

function needTokenizer(tokenizer: Tokenizer | undefined, field: string): Tokenizer {
  if (tokenizer) return tokenizer;
  throw new EngineError(
    "invalid-request",
    `${field}: this checkpoint has no tokenizer; pass token ids as prompt`,
    field,
  );
}

/** What a template refuses, such as two system messages, is the request's fault. */
function renderChat(template: ChatTemplate, messages: readonly ChatMessage[]): string {
  try {
    return template.render({ messages, addGenerationPrompt: true });
  } catch (cause) {
    if (!(cause instanceof TemplateError || cause instanceof TemplateLimitError)) throw cause;
    const message = `messages: the chat template refuses them: ${cause.message}`;
    throw new EngineError("invalid-request", message, "messages", { cause });
  }
}

/** The ids of a request's prompt. Text and conversations are encoded without holding up the event loop. */
async function promptIds(request: GenerateRequest, { tokenizer, info }: LoadedEngine): Promise<Int32Array> {
  const { prompt, messages } = request;
  if (messages !== undefined) {
    const { chatTemplate, encodeAsync } = needTokenizer(tokenizer, "messages");
    if (!chatTemplate) {
      throw new EngineError(
        "invalid-request",
        "messages: this checkpoint has no chat template; pass a prompt",
        "messages",
      );
    }
    if (!Array.isArray(messages) || messages.length === 0) {
      throw new EngineError("invalid-request", "messages: expected at least one message", "messages");
    }
    const text = renderChat(chatTemplate, messages);
    return encodeAsync.call(tokenizer, text, { addSpecial: false });
  }
  if (typeof prompt === "string") {
    return needTokenizer(tokenizer, "prompt").encodeAsync(prompt, { parseSpecial: false });
  }
  const wrong =
    Array.isArray(prompt) || prompt instanceof Int32Array ? prompt.find((id) => !isId(id)) : prompt;
  function isId(id: unknown): boolean {
    return typeof id === "number" && Number.isInteger(id) && id >= 0 && id < info.vocabSize;
  }
  if (wrong !== undefined) {
    const expected = `text or token ids in [0, ${info.vocabSize - 1}]`;
    throw new EngineError(
      "invalid-request",
      `prompt: expected ${expected}, received ${String(wrong)}`,
      "prompt",
    );
  }
  return Int32Array.from(prompt as Iterable<number>);
}

/**
 * Turns a request into a sequence: policy, prompt, room in the context, decoder. Throws `invalid-request` or
 * `context-length-exceeded`.
 */
export async function prepareSequence(
  request: GenerateRequest,
  checked: CheckedRequest,
  loaded: LoadedEngine,
): Promise<Sequence> {
  const { info, tokenizer, model } = loaded;
  const policy = request.kvCache ? choosePolicy(request.kvCache, loaded, "invalid-request") : loaded.policy;
  if (checked.stop.length > 0) needTokenizer(tokenizer, "stop");
  const prompt = await promptIds(request, loaded);
  if (prompt.length === 0) {
    throw new EngineError("invalid-request", "prompt: expected at least one token, received none", "prompt");
  }
  const room = info.maxPositions - prompt.length;
  if (room < 1) {
    throw new EngineError(
      "context-length-exceeded",
      `prompt: ${prompt.length} tokens, and one more to generate, do not fit a context of ${info.maxPositions}`,
      request.messages ? "messages" : "prompt",
    );
  }
  const wanted = checked.maxTokens ?? room;
  return new Sequence({
    request: checked,
    policy,
    prompt,
    // With positions inside the cache a generation may go on for ever: no distance grows.
    maxLength: prompt.length + (policy.positions === "cache" ? wanted : Math.min(wanted, room)),
    decoder: tokenizer && new StreamDecoder(tokenizer, { stop: checked.stop, skipSpecial: true }),
    vocabSize: tokenizer?.vocabSize ?? 0,
    eosIds: model.config.eosIds.length > 0 ? model.config.eosIds : (tokenizer?.eosIds ?? []),
  });
}
