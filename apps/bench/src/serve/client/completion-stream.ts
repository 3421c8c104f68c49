import { createParser, type EventSourceParser } from "eventsource-parser";
import { type AnswerParts, answerParts, type TokenCounts } from "./answer-parts.ts";

/** Reads server-sent events of an answer, and notes when each piece of text came. */
export class CompletionStream {
  readonly #decoder = new TextDecoder();
  readonly #parser: EventSourceParser;
  readonly #texts: string[] = [];
  readonly #times: number[] = [];
  #now = 0;
  finishReason: string | undefined;
  usage: TokenCounts | undefined;
  /** The code of an error that came as an event. */
  error: string | undefined;
  done = false;

  constructor() {
    this.#parser = createParser({ onEvent: ({ data }) => this.#event(data) });
  }

  /** Bytes that came at a time. Throws `SyntaxError` where an event is not JSON. */
  feed(bytes: Uint8Array, now: number): void {
    this.#now = now;
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
  }

  get text(): string {
    return this.#texts.join("");
  }

  /** When each event with text came, in order. */
  get times(): readonly number[] {
    return this.#times;
  }

  #event(data: string): void {
    if (data === "[DONE]") {
      this.done = true;
      return;
    }
    const { text, hasOutput, finishReason, usage, error }: AnswerParts = answerParts(JSON.parse(data));
    if (hasOutput) {
      this.#texts.push(text);
      this.#times.push(this.#now);
    }
    this.finishReason ??= finishReason;
    this.usage = usage ?? this.usage;
    this.error ??= error;
  }
}
