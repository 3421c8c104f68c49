import type { AnswerToken, Choice, ChoiceFinish, ToolCall } from "./answer-format.ts";
import type { ChoicePart } from "./open-choices.ts";

/** The parts of one choice, put together. */
export class GrowingChoice {
  #content = "";
  #finishReason: ChoiceFinish = "stop";
  readonly #calls: ToolCall[] = [];
  readonly #tokens: AnswerToken[] = [];

  add({ deltas, tokens, finishReason }: ChoicePart): void {
    for (const token of tokens) this.#tokens.push(token);
    for (const delta of deltas) {
      if ("content" in delta) {
        this.#content += delta.content;
      } else if ("name" in delta) {
        this.#calls[delta.call] = { id: delta.id, name: delta.name, arguments: "" };
      } else {
        const call = this.#calls[delta.call]!;
        this.#calls[delta.call] = { ...call, arguments: call.arguments + delta.arguments };
      }
    }
    if (finishReason !== undefined) this.#finishReason = finishReason;
  }

  /** `logprobs`: whether the request asked for them. */
  choice(logprobs: boolean): Choice {
    return {
      content: this.#content,
      calls: this.#calls,
      tokens: logprobs ? this.#tokens : undefined,
      finishReason: this.#finishReason,
    };
  }
}
