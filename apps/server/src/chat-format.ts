import type { TokenLogprob } from "@kvasir/core";
import { type AnswerFormat, type AnswerHead, usageBody } from "./answer-format.ts";
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
  const event = (delta: object, logprobs: object | null, finishReason: string | null) => ({
    ...common("chat.completion.chunk"),
    choices: [{ index: 0, delta, logprobs, finish_reason: finishReason }],
    ...(includeUsage ? { usage: null } : {}),
  });
  return {
    opening: () => [event({ role: "assistant", content: "", refusal: null }, null, null)],
    piece: ({ text, logprobs }) => event({ content: text }, logprobsBody(logprobs), null),
    closing: (finishReason) => event({}, null, finishReason),
    usageEvent: (usage) => ({ ...common("chat.completion.chunk"), choices: [], usage: usageBody(usage) }),
    whole: ({ text, logprobs }, finishReason, usage) => ({
      ...common("chat.completion"),
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: text, refusal: null },
          logprobs: logprobsBody(logprobs),
          finish_reason: finishReason,
        },
      ],
      usage: usageBody(usage),
    }),
  };
}

function logprobsBody(logprobs: readonly TokenLogprob[] | undefined): object | null {
  if (logprobs === undefined) return null;
  return {
    content: logprobs.map((token) => ({ ...tokenBody(token), top_logprobs: token.top.map(tokenBody) })),
    refusal: null,
  };
}

function tokenBody(token: { readonly bytes: Uint8Array; readonly logprob: number }): object {
  return {
    token: tokenText(token.bytes),
    logprob: finiteLogprob(token.logprob),
    bytes: Array.from(token.bytes),
  };
}
