import type { FinishReason, GenerateChunk } from "@kvasir/core";
import type { AnswerToken, ChoiceFinish, Delta } from "./answer-format.ts";
import type { TextDelta } from "./tool-call-parser.ts";
import type { ToolUse } from "./tool-use.ts";

/** A prompt that an answer repeats. */
export type EchoedPrompt = {
  readonly text: string;
  /** Its first token, which nothing predicts; where log-probabilities are asked for. */
  readonly first: AnswerToken | undefined;
};

export type ChoiceReaderOptions = {
  readonly tools: ToolUse | undefined;
  readonly echo: EchoedPrompt | undefined;
  /** What was generated is left out. */
  readonly promptOnly: boolean;
};

/** What one of the engine's pieces adds to a choice. */
export type ChoicePiece = { readonly deltas: readonly Delta[]; readonly tokens: readonly AnswerToken[] };

/** Turns the engine's pieces of one choice into parts of an answer, the same ones for streams and whole answers. */
export class ChoiceReader {
  readonly #options: ChoiceReaderOptions;
  readonly #parser: ReturnType<ToolUse["parser"]> | undefined;
  #echo: EchoedPrompt | undefined;

  constructor(options: ChoiceReaderOptions) {
    this.#options = options;
    this.#parser = options.tools?.parser();
    this.#echo = options.echo;
  }

  read(chunk: GenerateChunk): ChoicePiece {
    const echo = this.#echo;
    this.#echo = undefined;
    const { promptOnly } = this.#options;
    const text = (echo?.text ?? "") + (promptOnly ? "" : chunk.text);
    const tokens = [
      ...(echo?.first ? [echo.first] : []),
      ...(echo ? (chunk.promptLogprobs ?? []) : []),
      ...(promptOnly ? [] : (chunk.logprobs ?? [])),
    ];
    return { deltas: this.#deltas(text, chunk.finishReason), tokens };
  }

  /** Calls end a choice for another reason than words do. */
  finish(reason: FinishReason): ChoiceFinish {
    if (this.#options.promptOnly) return "length";
    return reason === "stop" && (this.#parser?.calls ?? 0) > 0 ? "tool_calls" : reason;
  }

  #deltas(text: string, end: FinishReason | undefined): readonly Delta[] {
    if (this.#parser === undefined) return text === "" ? [] : [{ content: text }];
    const found = this.#parser.push(text);
    return [...found, ...(end ? this.#parser.end(end === "length") : [])].map((delta) => this.#named(delta));
  }

  #named(delta: TextDelta): Delta {
    return "name" in delta ? { ...delta, id: this.#options.tools!.newId() } : delta;
  }
}
