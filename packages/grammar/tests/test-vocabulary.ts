import { modelPath } from "@kvasir/tiny-models";
import { loadTokenizer } from "@kvasir/tokenizer";
import type { Vocabulary } from "../src/vocabulary.ts";

/** Every byte, some longer tokens that cross what a grammar tells apart, and a stop token. */
export function byteVocabulary(): Vocabulary & { readonly stop: number } {
  const encoder = new TextEncoder();
  const emoji = encoder.encode("😀");
  const tokens = [
    ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
    ...[
      '{"',
      '":',
      '": ',
      '","',
      '", "',
      '"}',
      '"]',
      "}}",
      "]}",
      "},{",
      "true",
      "false",
      "null",
      "ab",
      '\\"',
      "\\u00",
    ].map((text) => encoder.encode(text)),
    // Parts of characters: two halves, and the end of one with what follows.
    emoji.subarray(0, 2),
    emoji.subarray(2),
    Uint8Array.of(...emoji.subarray(2), 0x22),
    encoder.encode("中文"),
    Uint8Array.of(...encoder.encode("中"), 0xe6),
    // Never valid: a surrogate, and a byte too many.
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.of(0x41, 0x80),
  ];
  return {
    vocabSize: tokens.length + 2,
    tokenBytes: (id) => tokens[id] ?? new Uint8Array(),
    isSpecial: (id) => id > tokens.length,
    eosIds: [tokens.length],
    stop: tokens.length,
  };
}

export async function tinyVocabulary(): Promise<Vocabulary> {
  const tokenizer = await loadTokenizer(modelPath("tiny"));
  return {
    vocabSize: tokenizer.vocabSize + 3,
    tokenBytes: (id) => (id < tokenizer.vocabSize ? tokenizer.tokenBytes(id) : new Uint8Array()),
    isSpecial: (id) => id < tokenizer.vocabSize && tokenizer.isSpecial(id),
    eosIds: tokenizer.eosIds,
  };
}
