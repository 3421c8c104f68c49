/** Characters of a tensor's name; the longest real ones have about 100. */
const nameLimit = 4096;
const rankLimit = 16;

/** Ends a string, escapes within it, or, below a space, is forbidden in it. */
const special = /["\\]|[^ -\uffff]/g;
const notSpace = /[^ \n\r\t]/g;

/**
 * Reads the subset of JSON that a safetensors header is made of, so that what a hostile one can allocate is
 * bounded by its length, and a name given twice is seen. Every failure is `fail(reason)`.
 */
export class HeaderReader {
  readonly #text: string;
  readonly #fail: (reason: string) => Error;
  #at = 0;

  constructor(text: string, fail: (reason: string) => Error) {
    this.#text = text;
    this.#fail = fail;
  }

  /** Takes `char` if it comes next. */
  accept(char: string): boolean {
    this.#skipSpace();
    if (this.#text[this.#at] !== char) return false;
    this.#at++;
    return true;
  }

  expect(char: string): void {
    if (!this.accept(char)) throw this.#error(`expected "${char}"`);
  }

  end(): void {
    this.#skipSpace();
    if (this.#at < this.#text.length) throw this.#error("expected its end");
  }

  /** A key and its colon. */
  key(): string {
    const key = this.string(nameLimit);
    this.expect(":");
    return key;
  }

  string(limit = Number.POSITIVE_INFINITY): string {
    this.expect('"');
    const start = this.#at;
    let escaped = false;
    for (;;) {
      // One scan of native code to the next character that matters, since a value may have megabytes.
      special.lastIndex = this.#at;
      const found = special.exec(this.#text);
      this.#at = found ? found.index : this.#text.length;
      if (this.#at - start > limit) throw this.#error(`expected a name of at most ${limit} characters`);
      if (found?.[0] === '"') break;
      if (found?.[0] !== "\\") throw this.#error("expected the rest of a string");
      escaped = true;
      this.#at += 2;
    }
    const raw = this.#text.slice(start, this.#at++);
    if (!escaped) return raw;
    try {
      return JSON.parse(`"${raw}"`);
    } catch {
      throw this.#error("expected a string with valid escapes");
    }
  }

  /** A non-negative whole number, exact in a double. */
  integer(): number {
    this.#skipSpace();
    const digits = /(?:0|[1-9]\d{0,15})(?![\d.eE])/y;
    digits.lastIndex = this.#at;
    const value = Number(digits.exec(this.#text)?.[0] ?? Number.NaN);
    if (!Number.isSafeInteger(value)) throw this.#error("expected a non-negative whole number below 2^53");
    this.#at = digits.lastIndex;
    return value;
  }

  integers(): number[] {
    this.expect("[");
    const list: number[] = [];
    if (this.accept("]")) return list;
    do {
      if (list.length === rankLimit) throw this.#error(`expected at most ${rankLimit} numbers in a list`);
      list.push(this.integer());
    } while (this.accept(","));
    this.expect("]");
    return list;
  }

  #skipSpace(): void {
    // Mostly there is none, and the look saves a search.
    if (this.#text.charCodeAt(this.#at) > 0x20) return;
    notSpace.lastIndex = this.#at;
    this.#at = notSpace.exec(this.#text)?.index ?? this.#text.length;
  }

  #error(reason: string): Error {
    return this.#fail(`its header is not valid: ${reason} at character ${this.#at}`);
  }
}
