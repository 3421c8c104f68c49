import { type CallSink, JsonCalls } from "./json-calls.ts";
import { isBlank } from "./json-value.ts";
import { MarkerSplitter, type TextPart } from "./marker-splitter.ts";
import type { ToolFormat } from "./tool-format.ts";

/** The next part of an answer: of its content, or of call number `call`, whose name comes before its arguments. */
export type TextDelta =
  | { readonly content: string }
  | { readonly call: number; readonly name: string }
  | { readonly call: number; readonly arguments: string };

export type ToolCallParserOptions = {
  readonly isTool: (name: string) => boolean;
  /** The text is nothing but calls, as a schema made it: none of it is content. */
  readonly callsOnly: boolean;
  /** Calls to report at most; the rest is left out. */
  readonly maxCalls: number;
};

/**
 * Reads content and calls of tools from a text that comes in pieces, however it is cut. Markers are part of neither, nor
 * is white space around calls. Arguments are the model's own JSON, which may break off where the text does.
 */
export class ToolCallParser {
  readonly #format: ToolFormat;
  readonly #options: ToolCallParserOptions;
  readonly #splitter: MarkerSplitter;
  #mode: "start" | "content" | "json" | "name" | "arguments" | "between-calls";
  #json: JsonCalls | undefined;
  #bare = false;
  /** White space that is content only if more content follows. */
  #space = "";
  #name = "";
  #hasArguments = false;
  #calls = 0;
  #deltas: TextDelta[] = [];

  constructor(format: ToolFormat, options: ToolCallParserOptions) {
    this.#format = format;
    this.#options = options;
    const { open, close, separator } = format;
    this.#splitter = new MarkerSplitter([...open, ...close, ...(separator === undefined ? [] : [separator])]);
    this.#mode = format.bare ? "start" : "content";
  }

  /** Calls found so far. */
  get calls(): number {
    return Math.min(this.#calls, this.#options.maxCalls);
  }

  push(text: string): readonly TextDelta[] {
    return this.#read(this.#splitter.push(text));
  }

  /** What was held back. Call once, after the last piece. `cutOff`: the text would have gone on, so half a marker may be one. */
  end(cutOff: boolean): readonly TextDelta[] {
    const last = this.#read(cutOff ? [] : this.#splitter.end());
    this.#leaveJson();
    if (this.#calls === 0 && this.#space !== "") this.#emitContent(this.#space);
    return [...last, ...this.#take()];
  }

  #read(parts: readonly TextPart[]): readonly TextDelta[] {
    for (const part of parts) {
      if ("marker" in part) this.#marker(part.marker);
      else for (let at = 0; at < part.text.length; at += 1) this.#char(part.text[at]!);
    }
    return this.#take();
  }

  #take(): readonly TextDelta[] {
    const deltas = this.#deltas;
    this.#deltas = [];
    return deltas;
  }

  /** JSON that nothing marks as a call, and that names none so far, is text. */
  #leaveJson(): void {
    if (this.#mode !== "json" || !this.#bare || this.#json!.called) return;
    for (const char of this.#json!.undecided) this.#content(char);
  }

  #marker(marker: string): void {
    const { open, close, separator } = this.#format;
    this.#leaveJson();
    if (this.#mode === "arguments" && !this.#hasArguments) this.#sink.arguments("{}");
    if (marker === separator) {
      if (this.#mode === "name") this.#beginArguments();
    } else if (open.includes(marker)) {
      if (separator === undefined) this.#beginJson(false);
      else this.#mode = marker === open.at(-1) ? "name" : "between-calls";
      this.#name = "";
    } else {
      this.#mode = marker === close.at(-1) ? "content" : "between-calls";
      if (this.#calls > 0) this.#space = "";
    }
  }

  #char(char: string): void {
    switch (this.#mode) {
      case "start":
        if (isBlank(char)) {
          this.#space += char;
        } else if (char === "{" || char === "[") {
          this.#beginJson(true);
          this.#char(char);
        } else {
          this.#mode = "content";
          this.#content(char);
        }
        break;
      case "content":
        this.#content(char);
        break;
      case "json":
        if (this.#json!.take(char)) break;
        // After a call nothing but its end is meant to come, where there is one.
        this.#mode = this.#json!.called && this.#format.close.length > 0 ? "between-calls" : "content";
        this.#char(char);
        break;
      case "name":
        this.#name += char;
        break;
      case "arguments":
        this.#argument(char);
        break;
      case "between-calls":
        break;
    }
  }

  #beginJson(bare: boolean): void {
    this.#mode = "json";
    this.#bare = bare;
    this.#json = new JsonCalls(this.#sink, bare ? this.#options.isTool : () => true);
  }

  #beginArguments(): void {
    this.#mode = "arguments";
    this.#hasArguments = false;
    this.#sink.name(this.#name.trim());
  }

  #argument(char: string): void {
    if (isBlank(char)) {
      this.#space += char;
      return;
    }
    this.#sink.arguments(this.#hasArguments ? this.#space + char : char);
    this.#hasArguments = true;
    this.#space = "";
  }

  #content(char: string): void {
    if (isBlank(char)) {
      this.#space += char;
      return;
    }
    this.#emitContent(this.#space + char);
    this.#space = "";
  }

  #emitContent(content: string): void {
    if (this.#options.callsOnly) return;
    const last = this.#deltas.at(-1);
    if (last && "content" in last)
      this.#deltas[this.#deltas.length - 1] = { content: last.content + content };
    else this.#deltas.push({ content });
  }

  readonly #sink: CallSink = {
    name: (name) => {
      this.#space = "";
      this.#calls += 1;
      if (this.#calls <= this.#options.maxCalls) this.#deltas.push({ call: this.#calls - 1, name });
    },
    arguments: (json) => {
      if (this.#calls > this.#options.maxCalls) return;
      const call = this.#calls - 1;
      const last = this.#deltas.at(-1);
      if (last && "arguments" in last && last.call === call) {
        this.#deltas[this.#deltas.length - 1] = { call, arguments: last.arguments + json };
      } else {
        this.#deltas.push({ call, arguments: json });
      }
    },
    text: (text) => {
      for (const char of text) this.#content(char);
    },
  };
}
