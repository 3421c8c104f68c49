import { isBlank, JsonValue, stringOf } from "./json-value.ts";

/** What is found, in order. */
export type CallSink = {
  /** A call begins. */
  name(name: string): void;
  /** The next part of its arguments, as JSON. */
  arguments(json: string): void;
  /** This was not a call. */
  text(text: string): void;
};

const argumentKeys = ["arguments", "parameters"];
/** What may stand before the name; any other key first makes the object no call. */
const callKeys = ["name", "type", "id", ...argumentKeys];

/**
 * Reads calls like `{"name": "f", "arguments": {...}}`, one, several or a list of them, character by character. A name
 * goes to the sink when it is complete, arguments as they come; what comes before a name waits for it.
 */
export class JsonCalls {
  readonly #sink: CallSink;
  readonly #isTool: (name: string) => boolean;
  #state: "between" | "key" | "key-text" | "colon" | "before-value" | "value" | "ended" = "between";
  #inList = false;
  #objects = 0;
  #called = false;
  /** Not yet known to be of a call. */
  #raw = "";
  // Of the object that is open:
  #started = false;
  #key = "";
  #value = new JsonValue();
  #isArguments = false;
  #arguments: string | undefined;

  constructor(sink: CallSink, isTool: (name: string) => boolean) {
    this.#sink = sink;
    this.#isTool = isTool;
  }

  /** Whether a call was found. */
  get called(): boolean {
    return this.#called;
  }

  /** What is not known to be of a call. */
  get undecided(): string {
    return this.#raw;
  }

  /** False: the calls ended before this character, which is the reader's. */
  take(char: string): boolean {
    if (this.#state === "ended") return false;
    if (this.#state === "between" && !this.#goesOn(char)) {
      this.#end();
      return false;
    }
    if (!this.#started) this.#raw += char;
    if (!this.#step(char)) this.#end();
    return true;
  }

  #goesOn(char: string): boolean {
    if (isBlank(char) || char === "{") return true;
    if (char === "[") return !this.#inList && this.#objects === 0;
    if (char === ",") return this.#objects > 0;
    if (char === ";") return this.#objects > 0 && !this.#inList;
    return char === "]" && this.#inList;
  }

  /** False: this can not be a call. */
  #step(char: string): boolean {
    switch (this.#state) {
      case "between":
        if (char === "[") this.#inList = true;
        if (char === "{") this.#openObject();
        return char !== "]";
      case "key":
        if (char === "}") return this.#closeObject();
        if (char === '"') this.#open("key-text", char);
        return char === '"' || char === "," || isBlank(char);
      case "key-text":
        this.#value.take(char);
        return !this.#value.done || this.#closeKey();
      case "colon":
        if (char === ":") this.#state = "before-value";
        return char === ":" || isBlank(char);
      case "before-value":
        if (isBlank(char)) return true;
        if (!/[{["\-\dtfn]/.test(char)) return false;
        this.#open("value", char);
        this.#stream(char);
        return true;
      case "value":
        // A number or a word ends where something else begins.
        if (!this.#value.take(char)) return this.#closeValue() && this.#step(char);
        this.#stream(char);
        return !this.#value.done || this.#closeValue();
      default:
        return false;
    }
  }

  #open(state: "key-text" | "value", char: string): void {
    this.#state = state;
    this.#value = new JsonValue();
    this.#value.take(char);
  }

  #openObject(): void {
    this.#state = "key";
    this.#objects += 1;
    this.#arguments = undefined;
  }

  #closeKey(): boolean {
    this.#key = stringOf(this.#value.text) ?? "";
    this.#state = "colon";
    // A second one would make the first no JSON.
    this.#isArguments = argumentKeys.includes(this.#key) && this.#arguments === undefined;
    return this.#started || callKeys.includes(this.#key);
  }

  /** An object or a list goes on as it comes; a string may hold the JSON, and is read when it is whole. */
  get #streams(): boolean {
    return this.#isArguments && /^[{[]/.test(this.#value.text);
  }

  #stream(char: string): void {
    if (this.#streams) this.#give(char);
  }

  #give(json: string): void {
    if (this.#started) this.#sink.arguments(json);
    this.#arguments = (this.#arguments ?? "") + json;
  }

  #closeValue(): boolean {
    this.#state = "key";
    const { text } = this.#value;
    if (this.#isArguments) {
      if (!this.#streams) this.#give(text === "null" ? "{}" : (stringOf(text) ?? text));
      return true;
    }
    if (this.#key !== "name" || this.#started) return true;
    const name = stringOf(text);
    if (name === undefined || !this.#isTool(name)) return false;
    this.#started = true;
    this.#called = true;
    this.#raw = "";
    this.#sink.name(name);
    if (this.#arguments !== undefined) this.#sink.arguments(this.#arguments);
    return true;
  }

  #closeObject(): boolean {
    if (!this.#started) return false;
    if (this.#arguments === undefined) this.#sink.arguments("{}");
    this.#started = false;
    this.#state = "between";
    return true;
  }

  #end(): void {
    this.#state = "ended";
    const text = this.#raw;
    this.#raw = "";
    // Brackets and commas around calls are not text.
    if (!this.#called || /[^\s,;[\]]/.test(text)) this.#sink.text(text);
  }
}
