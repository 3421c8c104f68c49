import { UnsupportedTokenizerError } from "../errors.ts";
import { byteLevelBytes } from "../merge/byte-level.ts";
import { isObject, type JsonObject } from "./checkpoint-files.ts";

/** How a tokenizer's `decoder` spells tokens. */
export interface TokenSpelling {
  /** The bytes of a token, from its text in the vocabulary. */
  bytesOf(token: string, added: boolean): Uint8Array;
  /** The decoder takes one space off the front of a text. */
  leadingSpace: boolean;
}

/**
 * What the `decoder` of a `tokenizer.json` does to each token on its own: only such decoders can be streamed.
 *
 * @throws UnsupportedTokenizerError for a decoder that looks at several tokens at once (WordPiece, CTC, ...).
 */
export function tokenSpelling(decoder: unknown): TokenSpelling {
  const steps = flatten(decoder);
  const types = new Set(steps.map((step) => step.type));
  const replaced: (readonly [string, string])[] = [];
  let leadingSpace = false;
  for (const step of steps) {
    if (step.type === "Replace") {
      const pattern = isObject(step.pattern) ? step.pattern.String : undefined;
      if (typeof pattern !== "string" || typeof step.content !== "string") throw unsupported(step);
      replaced.push([pattern, step.content]);
    } else if (step.type === "Metaspace") {
      replaced.push([typeof step.replacement === "string" ? step.replacement : "\u2581", " "]);
      leadingSpace ||= step.prepend_scheme !== "never" && step.add_prefix_space !== false;
    } else if (step.type === "Strip") {
      if (step.content !== " " || step.start !== 1 || (step.stop ?? 0) !== 0) throw unsupported(step);
      leadingSpace = true;
    } else if (step.type !== "ByteLevel" && step.type !== "ByteFallback" && step.type !== "Fuse") {
      throw unsupported(step);
    }
  }
  return {
    leadingSpace,
    bytesOf(token, added) {
      if (types.has("ByteLevel")) return (added ? undefined : byteLevelBytes(token)) ?? Buffer.from(token);
      const byte = types.has("ByteFallback") ? /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1] : undefined;
      if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
      return Buffer.from(replaced.reduce((text, [from, to]) => text.replaceAll(from, () => to), token));
    },
  };
}

function flatten(decoder: unknown): JsonObject[] {
  if (!isObject(decoder)) throw unsupported(decoder);
  if (decoder.type !== "Sequence") return [decoder];
  if (!Array.isArray(decoder.decoders)) throw unsupported(decoder);
  return decoder.decoders.flatMap((step: unknown) => {
    if (!isObject(step) || step.type === "Sequence") throw unsupported(step);
    return [step];
  });
}

function unsupported(step: unknown): UnsupportedTokenizerError {
  const shown = JSON.stringify(step)?.slice(0, 200);
  return new UnsupportedTokenizerError(
    `tokenizer.json: decoder ${shown} is not supported; supported are ByteLevel, ByteFallback, Fuse, Metaspace, ` +
      "Replace of a string, Strip of one leading space, and a Sequence of these",
  );
}
