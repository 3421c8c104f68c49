import { beforeAll, describe, expect, it } from "vitest";
import { CommonAutomatons } from "../src/automaton/common-automatons.ts";
import { checkedFormat } from "../src/checked-format.ts";
import { compiledGrammar } from "../src/compiled-grammar.ts";
import { DEAD, LazyAutomaton } from "../src/engine/lazy-automaton.ts";
import { MaskCache } from "../src/engine/mask-cache.ts";
import { TextMatcher } from "../src/engine/text-matcher.ts";
import { TokenMasks } from "../src/engine/token-masks.ts";
import { TokenTrie } from "../src/engine/token-trie.ts";
import { packedVocabulary, type Vocabulary } from "../src/vocabulary.ts";
import { idsOf, randomFrom } from "./random-walk.ts";
import { schemas } from "./schemas.ts";
import { byteVocabulary, tinyVocabulary } from "./test-vocabulary.ts";

const common = new CommonAutomatons();
let tiny: Vocabulary;
let trie: TokenTrie;
beforeAll(async () => {
  tiny = await tinyVocabulary();
  trie = new TokenTrie(await packedVocabulary(tiny));
});

const automatonOf = (schema: Readonly<Record<string, unknown>> | boolean) =>
  new LazyAutomaton(compiledGrammar(checkedFormat({ type: "json-schema", schema }), common, 10_000));

/** The plain way: token after token, byte after byte. */
function plainMask(automaton: LazyAutomaton, state: number, tokens: TokenTrie): number[] {
  return Array.from({ length: tokens.tokens }, (_, id) => id).filter((id) => {
    const bytes = tokens.bytesOf(id);
    return bytes.length > 0 && bytes.reduce((at, byte) => automaton.after(at, byte), state) !== DEAD;
  });
}

describe("a token trie", () => {
  it("has each token at its node, and says what is below", async () => {
    const words = ["b", "", "ab", "abc", "a", "ab", "bcd", "\u0000"];
    const small = new TokenTrie(
      await packedVocabulary({
        vocabSize: words.length,
        tokenBytes: (id) => new TextEncoder().encode(words[id]),
        isSpecial: () => false,
        eosIds: [],
      }),
    );
    const nodes = Array.from({ length: small.nodes }, (_, node) => ({
      byte: String.fromCharCode(small.byte[node]!),
      level: small.level[node],
      after: small.after[node],
      deepest: small.deepest[node],
      ids: [...small.ids.subarray(small.firstToken[node], small.firstToken[node + 1])],
    }));
    expect(nodes).toEqual([
      { byte: "\u0000", level: 1, after: 1, deepest: 1, ids: [7] },
      { byte: "a", level: 1, after: 4, deepest: 3, ids: [4] },
      { byte: "b", level: 2, after: 4, deepest: 3, ids: [2, 5] },
      { byte: "c", level: 3, after: 4, deepest: 3, ids: [3] },
      { byte: "b", level: 1, after: 7, deepest: 3, ids: [0] },
      { byte: "c", level: 2, after: 7, deepest: 3, ids: [] },
      { byte: "d", level: 3, after: 7, deepest: 3, ids: [6] },
    ]);
    expect(idsOf(small.upTo(1))).toEqual([0, 4, 7]);
  });
});

describe("masks", () => {
  it.each(Object.keys(schemas))(
    "are those of a check of every token, kept or not, also after states are forgotten: %s",
    (title) => {
      const automaton = automatonOf(schemas[title]!);
      const masks = new TokenMasks(automaton, trie, Math.ceil(tiny.vocabSize / 32), new MaskCache(2 ** 20));
      const random = randomFrom(title.length);
      let state = automaton.start;
      for (let i = 0; i < 25 && !automaton.mustEnd(state); i++) {
        const ids = plainMask(automaton, state, trie);
        expect(idsOf(masks.of(state))).toEqual(ids);
        expect(idsOf(masks.of(state))).toEqual(ids);
        if (i % 7 === 3) {
          const stacks = automaton.stacksOf(state);
          automaton.forget();
          state = automaton.adopt(stacks);
          expect(idsOf(masks.of(state))).toEqual(ids);
        }
        const id = ids[Math.floor(random() * ids.length)]!;
        for (const byte of trie.bytesOf(id)) state = automaton.after(state, byte);
      }
    },
  );

  it("that would take too long are cut down to tokens of one byte, and texts still end", async () => {
    const tokens = new TokenTrie(await packedVocabulary(longTokens()));
    // Wherever a text is, each of its letters may be the first of a hundred ways to go on.
    const schema = {
      type: "string",
      pattern: `^[ab]*(${Array.from({ length: 6 }, (_, i) => `a[ab]{${10 + i}}c`).join("|")})$`,
    };
    const automaton = automatonOf(schema);
    const masks = new TokenMasks(automaton, tokens, Math.ceil(tokens.tokens / 32), new MaskCache(2 ** 20));
    const matcher = new TextMatcher({ automaton, masks }, tokens, new Set([tokens.tokens - 1]));
    matcher.accept(0x22);
    const mask = new Uint32Array(Math.ceil(tokens.tokens / 32));
    matcher.fill(mask);
    expect(idsOf(mask)).toEqual([0x61, 0x62]);
    for (const id of Buffer.from(`a${"b".repeat(10)}c"`)) matcher.accept(id);
    expect(matcher.fill(new Uint32Array(mask.length))).toBe(true);
  });
});

describe("a mask cache", () => {
  it("keeps what was used last, within its bytes", () => {
    const cache = new MaskCache(3 * 8);
    const owner = cache.newOwner();
    const mask = (n: number) => Uint32Array.of(n, n);
    for (const state of [1, 2, 3]) cache.set(owner, state, mask(state));
    cache.get(owner, 1);
    cache.set(owner, 4, mask(4));
    expect([1, 2, 3, 4].map((state) => cache.get(owner, state)?.[0])).toEqual([1, undefined, 3, 4]);
    expect(cache.get(cache.newOwner(), 1)).toBeUndefined();
    const huge = new Uint32Array(100);
    cache.set(owner, 5, huge);
    expect([1, 3, 4, 5].map((state) => cache.get(owner, state))).toEqual([
      undefined,
      undefined,
      undefined,
      huge,
    ]);
  });
});

/** All words of 13 letters `a` and `b`, behind single bytes. */
function longTokens(): Vocabulary {
  const { tokenBytes } = byteVocabulary();
  return {
    vocabSize: 256 + 2 ** 13 + 1,
    tokenBytes: (id) =>
      id < 256
        ? tokenBytes(id)
        : Uint8Array.from({ length: 13 }, (_, bit) => (((id - 256) >> bit) & 1 ? 0x61 : 0x62)),
    isSpecial: () => false,
    eosIds: [256 + 2 ** 13],
  };
}
