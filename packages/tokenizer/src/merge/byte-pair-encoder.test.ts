import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenizerTextError } from "../errors.ts";
import { BYTE_TO_CHAR, byteLevelBytes, toByteLevel } from "./byte-level.ts";
import { BytePairEncoder } from "./byte-pair-encoder.ts";
import { PRE_TOKENIZER_NAMES, preTokenizer } from "./pre-tokenizer.ts";

/** An encoder over bytes and the results of `merges`, one word per text. */
function encoder(
  merges: string[],
  {
    vocabulary = [...BYTE_TO_CHAR],
    wholeWords = false,
    unknownId,
  }: { vocabulary?: string[]; wholeWords?: boolean; unknownId?: number } = {},
) {
  const tokens = [...new Set([...vocabulary, ...merges.map((merge) => merge.replace(" ", ""))])];
  const subject = new BytePairEncoder({
    split: (text) => (text === "" ? [] : [text]),
    vocabulary: new Map(tokens.map((token, id) => [token, id])),
    vocabSize: tokens.length,
    wholeWords,
    unknownId,
  });
  for (const _ of subject.learn(merges));
  return (text: string) => {
    const ids: number[] = [];
    for (const _ of subject.encode(text, ids, true));
    return ids.map((id) => tokens[id]!);
  };
}

/** Applies each merge in turn, everywhere: the definition of BPE for merges ranked by their order. */
function naive(text: string, merges: string[]): string[] {
  let symbols = [...toByteLevel(text)];
  for (;;) {
    const pairs = symbols.slice(1).map((right, i) => merges.indexOf(`${symbols[i]} ${right}`));
    const best = Math.min(...pairs.map((rank) => (rank < 0 ? Number.POSITIVE_INFINITY : rank)));
    if (best === Number.POSITIVE_INFINITY) return symbols;
    const at = pairs.indexOf(best);
    symbols = [...symbols.slice(0, at), symbols[at]! + symbols[at + 1]!, ...symbols.slice(at + 2)];
  }
}

describe("BytePairEncoder", () => {
  it("gives the same for short words and long ones as the definition", () => {
    const piece = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 3 });
    const merges = fc.uniqueArray(
      fc.tuple(piece, piece).map(([left, right]) => `${left} ${right}`),
      { maxLength: 20 },
    );
    const text = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 60 });
    const property = fc.property(text, merges, (text, merges) => {
      expect(encoder(merges)(text)).toEqual(naive(text, merges));
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it("spells what merges make, but no token has, in bytes", () => {
    const symbols = encoder(["a b"], { vocabulary: [...BYTE_TO_CHAR] });
    expect(symbols("ab")).toEqual(["ab"]);
    const unknown = new BytePairEncoder({
      split: (text) => [text],
      vocabulary: new Map([
        ["a", 0],
        ["b", 1],
      ]),
      vocabSize: 2,
      wholeWords: false,
      unknownId: undefined,
    });
    for (const _ of unknown.learn(["a b"]));
    const ids: number[] = [];
    for (const _ of unknown.encode("ab", ids, true));
    expect(ids).toEqual([0, 1]);
  });

  it("takes a whole word before merging where the vocabulary says so", () => {
    const vocabulary = [...BYTE_TO_CHAR, "abc"];
    expect(encoder(["b c"], { vocabulary })("abc")).toEqual(["a", "bc"]);
    expect(encoder(["b c"], { vocabulary, wholeWords: true })("abc")).toEqual(["abc"]);
  });

  it("uses the unknown token for a byte that has none, or refuses the text", () => {
    const vocabulary = ["a", "?"];
    expect(encoder([], { vocabulary, unknownId: 1 })("ab")).toEqual(["a", "?"]);
    expect(() => encoder([], { vocabulary })("ab")).toThrow(TokenizerTextError);
  });
});

describe("the byte-level alphabet", () => {
  it("has a character for each byte, and goes back to it", () => {
    expect(new Set(BYTE_TO_CHAR).size).toBe(256);
    expect([...byteLevelBytes(BYTE_TO_CHAR.join(""))!]).toEqual(
      Array.from({ length: 256 }, (_, byte) => byte),
    );
    expect(byteLevelBytes("a b")).toBeUndefined();
  });
});

describe.each(PRE_TOKENIZER_NAMES)("pre-tokenizer %s", (name) => {
  it("cuts any text into words that make it up", () => {
    const { split } = preTokenizer(name);
    const unit = fc.oneof(
      fc.constantFrom(..."aZé1 \n\t'\".!🦙你\u00a0\u3000".split("")),
      fc.string({ unit: "grapheme", maxLength: 1 }),
    );
    const property = fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      const words = [...split(text)];
      expect(words.join("")).toBe(text);
      expect(words).not.toContain("");
    });
    fc.assert(property);
  });
});

describe("published patterns", () => {
  it.each([
    ["gpt-2", "I'll pay 1234  now!", ["I", "'ll", " pay", " 1234", " ", " now", "!"]],
    ["starcoder", "x 12", ["x", " ", "1", "2"]],
    ["llama-bpe", "I'LL pay 12345\n\n now", ["I", "'LL", " pay", " ", "123", "45", "\n\n", " now"]],
    ["qwen2", "x 12", ["x", " ", "1", "2"]],
    ["falcon", "a1234!", ["a", "123", "4", "!"]],
    ["gpt-4o", "HelloWorld's 12", ["Hello", "World's", " ", "12"]],
    ["tekken", "HelloWorld", ["Hello", "World"]],
  ])("%s", (name, text, words) => {
    expect([...preTokenizer(name).split(text)]).toEqual(words);
  });
});
