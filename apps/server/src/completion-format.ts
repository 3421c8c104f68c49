import type { TokenLogprob } from "@kvasir/core";
import { type AnswerFormat, type AnswerHead, usageBody } from "./answer-format.ts";
import { finiteLogprob, TextOffsets, tokenText } from "./token-text.ts";

/** `text_completion` objects: the older endpoint's answer, streamed or whole. */
export function completionFormat(head: AnswerHead, includeUsage: boolean): AnswerFormat {
  const common = {
    id: head.id,
    object: "text_completion",
    created: head.created,
    model: head.model,
    system_fingerprint: head.systemFingerprint,
  };
  const event = (choices: readonly object[]) => ({
    ...common,
    choices,
    ...(includeUsage ? { usage: null } : {}),
  });
  const choice = (text: string, logprobs: object | null, finishReason: string | null) => ({
    text,
    index: 0,
    logprobs,
    finish_reason: finishReason,
  });
  const offsets = new TextOffsets();
  return {
    opening: () => [],
    piece: ({ text, logprobs }) => event([choice(text, logprobsBody(logprobs, offsets), null)]),
    closing: (finishReason) => event([choice("", null, finishReason)]),
    usageEvent: (usage) => ({ ...common, choices: [], usage: usageBody(usage) }),
    whole: ({ text, logprobs }, finishReason, usage) => ({
      ...common,
      choices: [choice(text, logprobsBody(logprobs, offsets), finishReason)],
      usage: usageBody(usage),
    }),
  };
}

/** Parallel arrays, one place per token. */
function logprobsBody(logprobs: readonly TokenLogprob[] | undefined, offsets: TextOffsets): object | null {
  if (logprobs === undefined) return null;
  return {
    tokens: logprobs.map((token) => tokenText(token.bytes, "bytes:")),
    token_logprobs: logprobs.map((token) => finiteLogprob(token.logprob)),
    top_logprobs: logprobs.map(topLogprobs),
    text_offset: logprobs.map((token) => offsets.next(token)),
  };
}

/** The likeliest first; null where only the sampled token was asked for. */
function topLogprobs({ top }: TokenLogprob): object | null {
  if (top.length === 0) return null;
  return Object.fromEntries(
    top.map((each) => [tokenText(each.bytes, "bytes:"), finiteLogprob(each.logprob)]),
  );
}
