import { TextDecoder } from "node:util";
import { TokenIdError } from "./errors.ts";
import type { DecodeOptions } from "./tokenizer.ts";

const SPACE = 0x20;

/** What a vocabulary says of each id: its bytes, computed once when first asked for, and whether it is special. */
export class TokenTable {
  readonly size: number;
  readonly leadingSpace: boolean;
  readonly #bytesOf: (id: number) => Uint8Array;
  readonly #special: ReadonlySet<number>;
  readonly #cache: (Uint8Array | undefined)[];

  constructor(options: {
    size: number;
    special: ReadonlySet<number>;
    leadingSpace: boolean;
    bytesOf: (id: number) => Uint8Array;
  }) {
    this.size = options.size;
    this.leadingSpace = options.leadingSpace;
    this.#special = options.special;
    this.#bytesOf = options.bytesOf;
    this.#cache = new Array(options.size);
  }

  #check(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= this.size) throw new TokenIdError(id, this.size);
  }

  isSpecial(id: number): boolean {
    this.#check(id);
    return this.#special.has(id);
  }

  bytes(id: number): Uint8Array {
    this.#check(id);
    let bytes = this.#cache[id];
    if (bytes === undefined) {
      bytes = this.#bytesOf(id);
      this.#cache[id] = bytes;
    }
    return bytes;
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const { skipSpecial = true, continuation = false } = options;
    const parts: Uint8Array[] = [];
    for (const id of ids) {
      const bytes = this.bytes(id);
      if (!(skipSpecial && this.#special.has(id))) parts.push(bytes);
    }
    let bytes: Uint8Array = Buffer.concat(parts);
    if (this.leadingSpace && !continuation && bytes[0] === SPACE) bytes = bytes.subarray(1);
    return newUtf8Decoder().decode(bytes);
  }
}

/** A decoder that replaces what is not UTF-8 and keeps a byte order mark, for whole texts and for streams. */
export function newUtf8Decoder(): TextDecoder {
  return new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
}

/** The text with every lone surrogate replaced by U+FFFD, which is how it encodes in UTF-8. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\uFFFD");
}
