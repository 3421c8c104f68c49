import type { FinishReason, Usage } from "@kvasir/core";
import type { AnswerFormat } from "./answer-format.ts";
import type { ApiRequest } from "./api-request.ts";
import type { ChoiceChunk } from "./choices.ts";
import { GrowingChoice } from "./growing-choice.ts";
import { OpenChoices } from "./open-choices.ts";

/** What was generated, for the log. */
export type AnswerEnd = { readonly finishReason: FinishReason; readonly usage: Usage };

/** The engine's pieces, and what else either form of an answer needs. */
export type Answer = {
  readonly chunks: AsyncIterable<ChoiceChunk>;
  readonly format: AnswerFormat;
  readonly request: ApiRequest;
  /** Called once, with the last chunk: the first choice's reason, and what all used. */
  readonly onEnd: (end: AnswerEnd) => void;
};

/** The answer as one object. */
export async function wholeAnswer({ chunks, format, request, onEnd }: Answer): Promise<object> {
  const open = new OpenChoices(request);
  const choices = new Map<number, GrowingChoice>();
  for await (const part of chunks) {
    const choice = choices.get(part.index) ?? new GrowingChoice();
    choices.set(part.index, choice);
    choice.add(open.read(part));
  }
  const end = open.end();
  onEnd(end);
  const whole = [...choices]
    .sort(([a], [b]) => a - b)
    .map(([, choice]) => choice.choice(hasLogprobs(request)));
  return format.whole(whole, { usage: end.usage, cache: end.cache });
}

/** The same answer as events. The first one comes after the engine's first chunk, so after its checks. */
export async function* answerEvents({
  chunks,
  format,
  request,
  onEnd,
}: Answer): AsyncGenerator<object, void> {
  const open = new OpenChoices(request);
  const { includeUsage } = request;
  const logprobs = hasLogprobs(request);
  for await (const part of chunks) {
    const { index } = part;
    const { first, deltas, tokens, finishReason, cache } = open.read(part);
    if (first) yield* format.opening(index);
    // A delta without tokens of its own still has an empty list, as the whole answer has one list for all.
    const rest = logprobs ? [] : undefined;
    for (const [at, delta] of deltas.entries())
      yield format.piece(index, delta, at === 0 && logprobs ? tokens : rest);
    if (logprobs && deltas.length === 0 && tokens.length > 0) yield format.piece(index, undefined, tokens);
    if (finishReason !== undefined)
      yield format.closing(index, finishReason, includeUsage ? undefined : cache);
  }
  const end = open.end();
  onEnd(end);
  if (includeUsage) yield format.usageEvent({ usage: end.usage, cache: end.cache });
}

function hasLogprobs({ prompts }: ApiRequest): boolean {
  return prompts[0]?.logprobs !== undefined;
}
