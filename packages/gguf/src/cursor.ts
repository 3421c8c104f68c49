import { isUtf8 } from "node:buffer";
import type { ByteSource } from "./byte-source.ts";
import { GgufError, type GgufErrorCode } from "./gguf-error.ts";
import { limits } from "./limits.ts";

/** Bytes that are read at a time. Parsing as many takes about a millisecond; in between the event loop runs. */
const windowBytes = 2 ** 16;

/**
 * A reading position in a GGUF file. No read leaves the file, and nothing is allocated for a length before the
 * file is known to have as many bytes.
 *
 * Reads are synchronous where the window has the bytes. `load` says that they must be fetched first:
 * `const fetched = cursor.load(8); if (fetched) await fetched;`
 */
export class Cursor {
  /** Bytes of strings, arrays and windows that were allocated so far. */
  allocated = 0;
  /** What is being read, for messages. */
  at: { readonly key?: string; readonly tensor?: string } = {};
  readonly #source: ByteSource;
  #window: Buffer = Buffer.alloc(0);
  #windowStart = 0;
  #position = 0;
  #values = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get position(): number {
    return this.#position;
  }

  /** Bytes of the file after the position. */
  get remaining(): number {
    return this.#source.size - this.#position;
  }

  error(code: GgufErrorCode, reason: string): GgufError {
    return new GgufError(code, this.#source.path, reason, this.at);
  }

  /** Makes the next `bytes` bytes available; a promise where they have to be read first. */
  load(bytes: number, what: string): Promise<void> | undefined {
    const windowPosition = this.#position - this.#windowStart;
    if (windowPosition >= 0 && windowPosition + bytes <= this.#window.length) return undefined;
    this.#check(bytes, what);
    return this.#fetch(bytes);
  }

  async #fetch(bytes: number): Promise<void> {
    const length = Math.min(Math.max(bytes, windowBytes), this.remaining);
    const window = this.#window.length === length ? this.#window : Buffer.allocUnsafeSlow(length);
    if (window !== this.#window) this.allocated += length;
    this.#window = Buffer.alloc(0);
    await this.#source.read(window, this.#position);
    this.#window = window;
    this.#windowStart = this.#position;
  }

  /** Passes over bytes without reading them. */
  skip(bytes: number, what: string): void {
    this.#check(bytes, what);
    this.#position += bytes;
  }

  #check(bytes: number, what: string): void {
    if (bytes > this.remaining) {
      const reason = `${what} needs ${bytes} bytes from byte ${this.#position}, the file has ${this.remaining} left`;
      throw this.error("truncated", reason);
    }
    if (this.#position + bytes > limits.header) {
      throw this.error(
        "limit",
        `${what} lies beyond the ${limits.header} bytes that may precede tensor data`,
      );
    }
  }

  /** The next 4 bytes, which must be loaded. */
  u32(): number {
    const value = this.#window.readUInt32LE(this.#position - this.#windowStart);
    this.#position += 4;
    return value;
  }

  /** The next 8 bytes, which must be loaded, as a number where that is exact, else `undefined`. */
  u64(): number | undefined {
    const at = this.#position - this.#windowStart;
    const high = this.#window.readUInt32LE(at + 4);
    this.#position += 8;
    return high < 2 ** 21 ? high * 2 ** 32 + this.#window.readUInt32LE(at) : undefined;
  }

  /** A 64-bit count, loaded, of things with at least `bytesEach` bytes, which the rest of the file must have. */
  count(bytesEach: number, what: string): number {
    const count = this.u64();
    // Products that round are far beyond any file.
    if (count === undefined || count * bytesEach > this.remaining) {
      const received = count ?? "more than 2^53";
      throw this.error("truncated", `${what} of ${received} does not fit the ${this.remaining} bytes left`);
    }
    return count;
  }

  /** Counts bytes of a key, or of a value that the caller wants. */
  keep(bytes: number): void {
    this.allocated += bytes;
    this.#values += bytes;
    if (this.#values > limits.values) {
      throw this.error(
        "limit",
        `the keys, and the values asked for, have more than ${limits.values} bytes together`,
      );
    }
  }

  /** The next `length` bytes as text; they must be loaded. */
  text(length: number, what: string): string {
    const start = this.#position - this.#windowStart;
    const text = this.#window.toString("utf8", start, start + length);
    // Decoding puts U+FFFD where bytes are invalid, but a text may also have one of its own.
    if (text.includes("\uFFFD") && !isUtf8(this.#window.subarray(start, start + length))) {
      throw this.error("invalid-metadata", `${what} is not UTF-8`);
    }
    this.#position += length;
    return text;
  }

  /** A string of at most `limit` bytes: 64-bit length, then UTF-8. */
  async string(limit: number, what: string): Promise<string> {
    const length = this.load(8, what);
    if (length) await length;
    const bytes = this.count(1, `${what}: a length`);
    if (bytes > limit) throw this.error("limit", `${what} has ${bytes} bytes, expected at most ${limit}`);
    const text = this.load(bytes, what);
    if (text) await text;
    return this.text(bytes, what);
  }

  /** A copy of the next `length` bytes. */
  async bytes(length: number, what: string): Promise<Uint8Array<ArrayBuffer>> {
    this.#check(length, what);
    const bytes = new Uint8Array(length);
    await this.#source.read(bytes, this.#position);
    this.#position += length;
    return bytes;
  }
}
