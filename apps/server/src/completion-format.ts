import {
  type AnswerFormat,
  type AnswerHead,
  type AnswerToken,
  type AnswerTokens,
  cacheBody,
  usageBody,
} from "./answer-format.ts";
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
  const choice = (index: number, text: string, logprobs: object | null, finishReason: string | null) => ({
    text,
    index,
    logprobs,
    finish_reason: finishReason,
  });
  const offsets = new Map<number, TextOffsets>();
  const offsetsOf = (index: number) => {
    const known = offsets.get(index) ?? new TextOffsets();
    offsets.set(index, known);
    return known;
  };
  return {
    opening: () => [],
    piece: (index, delta, tokens) => {
      const text = delta && "content" in delta ? delta.content : "";
      return event([choice(index, text, logprobsBody(tokens, offsetsOf(index)), null)]);
    },
    closing: (index, finishReason, cache) => ({
      ...event([choice(index, "", null, finishReason)]),
      ...cacheBody(cache),
    }),
    usageEvent: ({ usage, cache }) => ({
      ...common,
      choices: [],
      usage: usageBody(usage),
      ...cacheBody(cache),
    }),
    whole: (choices, { usage, cache }) => ({
      ...common,
      choices: choices.map(({ content, tokens, finishReason }, index) =>
        choice(index, content, logprobsBody(tokens, offsetsOf(index)), finishReason),
      ),
      usage: usageBody(usage),
      ...cacheBody(cache),
    }),
  };
}

/** Parallel arrays, one place per token. */
function logprobsBody(tokens: AnswerTokens, offsets: TextOffsets): object | null {
  if (tokens === undefined) return null;
  return {
    tokens: tokens.map((token) => tokenText(token.bytes, "bytes:")),
    token_logprobs: tokens.map(({ logprob }) => finiteLogprob(logprob)),
    top_logprobs: tokens.map(topLogprobs),
    text_offset: tokens.map((token) => offsets.next(token)),
  };
}

/** The likeliest first; null where only the sampled token was asked for. */
function topLogprobs({ top }: AnswerToken): object | null {
  if (top.length === 0) return null;
  return Object.fromEntries(
    top.map((each) => [tokenText(each.bytes, "bytes:"), finiteLogprob(each.logprob)]),
  );
}
