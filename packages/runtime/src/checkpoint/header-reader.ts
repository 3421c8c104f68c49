/** Characters of a tensor's name; the longest real ones have about 100. */
const nameLimit = 4096;
const rankLimit = 16;

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
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x22) break;
      // NaN past the end, and control characters, which JSON forbids in a string.
      if (!(code >= 0x20)) throw this.#error("expected the rest of a string");
      if (this.#at - start >= limit) throw this.#error(`expected a name of at most ${limit} characters`);
      if (code === 0x5c) escaped = true;
      this.#at += code === 0x5c ? 2 : 1;
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
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #error(reason: string): Error {
    return this.#fail(`its header is not valid: ${reason} at character ${this.#at}`);
  }
}
