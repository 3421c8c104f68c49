import { setImmediate as nextTurn } from "node:timers/promises";

/** The tokens of a model. */
export interface Vocabulary {
  /** Tokens that a mask is about: the rows of the model's logits, which may be more than the tokenizer has. */
  readonly vocabSize: number;
  /** The exact bytes of a token; empty for an id that has none, which is then never allowed. */
  tokenBytes(id: number): Uint8Array;
  /** Whether it is a control token, which is never part of a text. */
  isSpecial(id: number): boolean;
  /** Tokens that end a text. */
  readonly eosIds: readonly number[];
}

export interface PackedVocabulary {
  /** In shared memory, since several threads read them. */
  readonly bytes: Uint8Array;
  readonly offsets: Int32Array;
}

const TOKENS_A_TURN = 2_048;

/** The bytes of all tokens that a text may have, one after the other. The event loop turns on the way. */
export async function packedVocabulary(vocabulary: Vocabulary): Promise<PackedVocabulary> {
  const { vocabSize } = vocabulary;
  const eosIds = new Set(vocabulary.eosIds);
  const offsets = new Int32Array(new SharedArrayBuffer((vocabSize + 1) * 4));
  const tokens: Uint8Array[] = [];
  for (let id = 0; id < vocabSize; id++) {
    const bytes = eosIds.has(id) || vocabulary.isSpecial(id) ? new Uint8Array() : vocabulary.tokenBytes(id);
    offsets[id + 1] = offsets[id]! + bytes.length;
    tokens.push(bytes);
    if (id % TOKENS_A_TURN === TOKENS_A_TURN - 1) await nextTurn();
  }
  const bytes = new Uint8Array(new SharedArrayBuffer(Math.max(1, offsets[vocabSize]!)));
  for (const [id, token] of tokens.entries()) {
    bytes.set(token, offsets[id]);
    if (id % TOKENS_A_TURN === TOKENS_A_TURN - 1) await nextTurn();
  }
  return { bytes, offsets };
}
