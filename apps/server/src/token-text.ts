import type { TokenLogprob } from "@kvasir/core";

const whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A token's bytes as text. A token may be a part of a character only: each byte is then written `\xNN`, as
 * OpenAI does, with `prefix` before them (`bytes:` on the older endpoint).
 */
export function tokenText(bytes: Uint8Array, prefix = ""): string {
  try {
    return whole.decode(bytes);
  } catch {
    return `${prefix}${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")}`;
  }
}

/** Counts where tokens start in their text, in UTF-16 units; a part of a character starts where that does. */
export class TextOffsets {
  #next = 0;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** The start of this token, which comes after all that were given before. */
  next({ bytes, special }: Pick<TokenLogprob, "bytes" | "special">): number {
    const start = this.#next;
    if (special) return start; // the text leaves it out
    this.#next += this.#decoder.decode(bytes, { stream: true }).length;
    return start;
  }
}

/** JSON has no -Infinity; OpenAI writes this number for what can not happen, and null where nothing is predicted. */
export function finiteLogprob(logprob: number | undefined): number | null {
  return logprob === undefined ? null : Math.max(logprob, -9999);
}
