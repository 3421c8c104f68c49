import type { EngineTokenizer } from "../src/engine-like.ts";

const bos = 256;

/** A token for each byte, and one that starts a text. */
export const fakeTokenizer: EngineTokenizer = {
  vocabSize: 257,
  bosId: bos,
  eosIds: [],
  leadingSpace: false,
  chatTemplate: undefined,
  encode: (text, { addSpecial = true } = {}) =>
    Int32Array.from([...(addSpecial ? [bos] : []), ...Buffer.from(text)]),
  encodeAsync: async (text, options) => fakeTokenizer.encode(text, options),
  decode: (ids, { skipSpecial = true } = {}) =>
    Buffer.concat(
      Array.from(ids, (id) => (id === bos && skipSpecial ? Buffer.of() : bytesOf(id))),
    ).toString(),
  tokenBytes: bytesOf,
  isSpecial: (id) => id === bos,
};

function bytesOf(id: number): Buffer {
  return id === bos ? Buffer.from("<s>") : Buffer.of(id);
}
