import {
  EngineError,
  type FinishReason,
  type GenerateChunk,
  type TokenLogprob,
  type Usage,
} from "@kvasir/core";
import type { AnswerFormat } from "./answer-format.ts";

/** What was generated, for the log. */
export type AnswerEnd = { readonly finishReason: FinishReason; readonly usage: Usage };

/** The engine's pieces, and what else either form of an answer needs. */
export type Answer = {
  readonly chunks: AsyncIterable<GenerateChunk>;
  readonly format: AnswerFormat;
  /** Whether the request asked for log-probabilities. */
  readonly logprobs: boolean;
  /** Called once, with the last chunk. */
  readonly onEnd: (end: AnswerEnd) => void;
};

/** The answer as one object. */
export async function wholeAnswer({ chunks, format, logprobs, onEnd }: Answer): Promise<object> {
  let text = "";
  const tokens: TokenLogprob[] = [];
  for await (const chunk of chunks) {
    text += chunk.text;
    tokens.push(...(chunk.logprobs ?? []));
    if (chunk.finishReason === undefined) continue;
    const end = endOf(chunk);
    onEnd(end);
    return format.whole({ text, logprobs: logprobs ? tokens : undefined }, end.finishReason, end.usage);
  }
  throw unfinished();
}

/** The same answer as events. The first one comes after the engine's first chunk, so after its checks. */
export async function* answerEvents(
  { chunks, format, logprobs, onEnd }: Answer,
  includeUsage: boolean,
): AsyncGenerator<object, void> {
  let opened = false;
  for await (const chunk of chunks) {
    if (!opened) yield* format.opening();
    opened = true;
    const tokens = logprobs ? (chunk.logprobs ?? []) : undefined;
    if (chunk.text !== "" || (tokens ?? []).length > 0)
      yield format.piece({ text: chunk.text, logprobs: tokens });
    if (chunk.finishReason === undefined) continue;
    const end = endOf(chunk);
    onEnd(end);
    yield format.closing(end.finishReason);
    if (includeUsage) yield format.usageEvent(end.usage);
    return;
  }
  throw unfinished();
}

function endOf({ finishReason, usage }: GenerateChunk): AnswerEnd {
  if (finishReason === undefined || usage === undefined) throw unfinished();
  return { finishReason, usage };
}

function unfinished(): EngineError {
  return new EngineError("internal", "the engine's last piece lacks its finish reason or its usage");
}
