import {
  type AnswerFormat,
  type AnswerHead,
  type AnswerToken,
  type AnswerTokens,
  type Choice,
  cacheBody,
  type Delta,
  usageBody,
} from "./answer-format.ts";
import { finiteLogprob, tokenText } from "./token-text.ts";

/** `chat.completion` and `chat.completion.chunk` objects. */
export function chatFormat(head: AnswerHead, includeUsage: boolean): AnswerFormat {
  const common = (object: string) => ({
    id: head.id,
    object,
    created: head.created,
    model: head.model,
    system_fingerprint: head.systemFingerprint,
  });
  const event = (index: number, delta: object, logprobs: object | null, finishReason: string | null) => ({
    ...common("chat.completion.chunk"),
    choices: [{ index, delta, logprobs, finish_reason: finishReason }],
    ...(includeUsage ? { usage: null } : {}),
  });
  return {
    opening: (index) => [event(index, { role: "assistant", content: "", refusal: null }, null, null)],
    piece: (index, delta, tokens) => event(index, deltaBody(delta), logprobsBody(tokens), null),
    closing: (index, finishReason, cache) => ({
      ...event(index, {}, null, finishReason),
      ...cacheBody(cache),
    }),
    usageEvent: ({ usage, cache }) => ({
      ...common("chat.completion.chunk"),
      choices: [],
      usage: usageBody(usage),
      ...cacheBody(cache),
    }),
    whole: (choices, { usage, cache }) => ({
      ...common("chat.completion"),
      choices: choices.map((choice, index) => ({
        index,
        message: messageBody(choice),
        logprobs: logprobsBody(choice.tokens),
        finish_reason: choice.finishReason,
      })),
      usage: usageBody(usage),
      ...cacheBody(cache),
    }),
  };
}

function deltaBody(delta: Delta | undefined): object {
  if (delta === undefined) return { content: "" };
  if ("content" in delta) return { content: delta.content };
  const call =
    "name" in delta
      ? { id: delta.id, type: "function", function: { name: delta.name, arguments: "" } }
      : { function: { arguments: delta.arguments } };
  return { tool_calls: [{ index: delta.call, ...call }] };
}

/** Calls without a word beside them have no content, as OpenAI's have none. */
function messageBody({ content, calls }: Choice): object {
  const message = { role: "assistant", content, refusal: null };
  if (calls.length === 0) return message;
  return {
    ...message,
    content: content === "" ? null : content,
    tool_calls: calls.map(({ id, name, arguments: json }) => ({
      id,
      type: "function",
      function: { name, arguments: json },
    })),
  };
}

function logprobsBody(tokens: AnswerTokens): object | null {
  if (tokens === undefined) return null;
  return {
    content: tokens.map((token) => ({ ...tokenBody(token), top_logprobs: token.top.map(tokenBody) })),
    refusal: null,
  };
}

function tokenBody({ bytes, logprob }: Pick<AnswerToken, "bytes" | "logprob">): object {
  return { token: tokenText(bytes), logprob: finiteLogprob(logprob), bytes: Array.from(bytes) };
}
