import { Grammars } from "@kvasir/grammar";
import type { Tokenizer } from "@kvasir/tokenizer";

/** Formats over a model's tokens. Nothing is started before a request asks for one. */
export function engineGrammars(
  vocabSize: number,
  tokenizer: Tokenizer | undefined,
  eosIds: readonly number[],
): Grammars {
  // A model may have more rows of logits than its tokenizer has tokens.
  const known = Math.min(vocabSize, tokenizer?.vocabSize ?? 0);
  const none = new Uint8Array();
  return new Grammars({
    vocabSize,
    tokenBytes: (id) => (id < known ? tokenizer!.tokenBytes(id) : none),
    isSpecial: (id) => id < known && tokenizer!.isSpecial(id),
    eosIds: eosIds.filter((id) => id < vocabSize),
  });
}
