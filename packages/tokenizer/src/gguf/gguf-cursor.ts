import { GgufError } from "../errors.ts";

/** Thrown when a value lies inside the file but beyond the bytes read so far: read up to `end` and start again. */
export class MoreBytesNeeded extends Error {
  readonly end: number;

  constructor(end: number) {
    super(`bytes up to ${end} are needed`);
    this.end = end;
  }
}

/** A reading position in the first bytes of a GGUF file (little-endian). No read leaves the file. */
export class GgufCursor {
  position = 0;
  readonly #bytes: Buffer;
  readonly #fileSize: number;

  /** `bytes` are the first bytes of a file of `fileSize` bytes. */
  constructor(bytes: Uint8Array, fileSize: number) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#fileSize = fileSize;
  }

  /** Bytes of the file after the position. */
  get remaining(): number {
    return this.#fileSize - this.position;
  }

  /** Passes over `length` bytes and returns where they began. */
  take(length: number, what: string): number {
    const start = this.position;
    if (length > this.remaining) {
      throw new GgufError(
        `${what}: needs ${length} bytes at offset ${start}, the file has ${this.remaining} left`,
      );
    }
    if (start + length > this.#bytes.length) throw new MoreBytesNeeded(start + length);
    this.position = start + length;
    return start;
  }

  u32(what: string): number {
    return this.#bytes.readUInt32LE(this.take(4, what));
  }

  /** A 64-bit count. One that no file could hold is an error, so counts fit a JavaScript number. */
  count(what: string, bytesEach: number): number {
    const value = this.#bytes.readBigUInt64LE(this.take(8, what));
    if (value * BigInt(bytesEach) > BigInt(this.remaining)) {
      throw new GgufError(`${what}: ${value} does not fit the ${this.remaining} bytes that are left`);
    }
    return Number(value);
  }

  /** A string: 64-bit length, then UTF-8. */
  string(what: string): string {
    const length = this.count(`${what}: length`, 1);
    const start = this.take(length, what);
    const text = this.#bytes.toString("utf8", start, start + length);
    if (text.includes("\uFFFD") && !Buffer.from(text).equals(this.#bytes.subarray(start, start + length))) {
      throw new GgufError(`${what}: not valid UTF-8`);
    }
    return text;
  }

  skipString(what: string): void {
    this.take(this.count(`${what}: length`, 1), what);
  }

  /** A view of the next `length` bytes, for fixed-size values. */
  view(length: number, what: string): DataView {
    const start = this.take(length, what);
    return new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, length);
  }
}
