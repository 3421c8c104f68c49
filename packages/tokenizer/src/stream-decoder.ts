import type { TextDecoder } from "node:util";
import { StopMatcher } from "./stop-matcher.ts";
import { newUtf8Decoder } from "./token-table.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Options of a `StreamDecoder`. */
export interface StreamDecoderOptions {
  /** Strings that end the text: neither they nor anything after them is given out. Default none. */
  stop?: readonly string[];
  /** Leave special tokens out of the text. Default true. */
  skipSpecial?: boolean;
  /**
   * The ids go on from a prompt, so a leading space is part of the text. Default true; with false the text is
   * that of `tokenizer.decode(ids)`.
   */
  continuation?: boolean;
}

/**
 * Turns ids into text as they come. What `push` and `flush` return concatenates to
 * `tokenizer.decode(ids, { skipSpecial, continuation })`, cut before the stop string that is complete first (the
 * longest, if several are at once). Only whole code points are given out, and nothing that may still become a stop.
 */
export class StreamDecoder {
  readonly #tokenizer: Tokenizer;
  readonly #skipSpecial: boolean;
  readonly #stops: StopMatcher;
  readonly #utf8: TextDecoder = newUtf8Decoder();
  #dropSpace: boolean;
  #held = "";
  #stopped: string | undefined;
  #textOffset = 0;

  /** @throws TokenizerOptionError for a stop that is not a non-empty string. */
  constructor(tokenizer: Tokenizer, options: StreamDecoderOptions = {}) {
    const { stop = [], skipSpecial = true, continuation = true } = options;
    this.#tokenizer = tokenizer;
    this.#skipSpecial = skipSpecial;
    this.#stops = new StopMatcher(stop);
    this.#dropSpace = tokenizer.leadingSpace && !continuation;
  }

  /** The stop string that ended the text, once one has. */
  get stopped(): string | undefined {
    return this.#stopped;
  }

  /**
   * Code points of all text decoded so far, held back or given out: read before a push, it is the offset at which
   * the token's text begins (`text_offset` of the completions API).
   */
  get textOffset(): number {
    return this.#textOffset;
  }

  /** The text that may be given out after one more id; empty once stopped. Throws `TokenIdError`. */
  push(id: number): string {
    let bytes = this.#tokenizer.tokenBytes(id);
    if (this.#stopped !== undefined || (this.#skipSpecial && this.#tokenizer.isSpecial(id))) return "";
    if (this.#dropSpace && bytes.length > 0) {
      this.#dropSpace = false;
      if (bytes[0] === 0x20) bytes = bytes.subarray(1);
    }
    return this.#take(this.#utf8.decode(bytes, { stream: true }));
  }

  /** The rest of the text after the last id: what was held back, and U+FFFD for an unfinished code point. */
  flush(): string {
    if (this.#stopped !== undefined) return "";
    const text = this.#take(this.#utf8.decode());
    if (this.#stopped !== undefined) return text;
    const rest = this.#held;
    this.#held = "";
    return text + rest;
  }

  #take(text: string): string {
    for (const _ of text) this.#textOffset++;
    const match = this.#stops.push(text);
    const known = this.#held + text;
    if (match !== undefined) {
      const end = this.#held.length + match.end - match.stop.length;
      this.#stopped = match.stop;
      this.#held = "";
      return known.slice(0, end);
    }
    const ready = known.length - this.#stops.held;
    this.#held = known.slice(ready);
    return known.slice(0, ready);
  }
}
