import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenizerOptionError } from "./errors.ts";
import { StreamDecoder } from "./stream-decoder.ts";
import { TokenTable } from "./token-table.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Ids 0..255 are bytes, the rest whole pieces; the last two are special. */
const PIECES = ["ab", "aba", " b", "é", "🦙", "你好", "<|a|>", "<|b|>"];
const SIZE = 256 + PIECES.length;

function tokenizer(leadingSpace = false): Tokenizer {
  const table = new TokenTable({
    size: SIZE,
    special: new Set([SIZE - 2, SIZE - 1]),
    leadingSpace,
    bytesOf: (id) => (id < 256 ? Uint8Array.of(id) : Buffer.from(PIECES[id - 256]!)),
  });
  const unused = () => {
    throw new Error("not part of this test");
  };
  return {
    vocabSize: SIZE,
    bosId: undefined,
    eosIds: [],
    leadingSpace,
    chatTemplate: undefined,
    encode: unused,
    encodeAsync: unused,
    decode: (ids, options) => table.decode(ids, options),
    tokenBytes: (id) => table.bytes(id),
    isSpecial: (id) => table.isSpecial(id),
  };
}

const emoji = [...Buffer.from("🦙")];
const anyIds = fc.array(
  fc.oneof(
    fc.nat(SIZE - 1),
    fc.integer({ min: 256, max: SIZE - 1 }),
    fc.constantFrom(0x61, 0x62, 0x20, ...emoji),
  ),
  { maxLength: 40 },
);
const anyStops = fc.array(
  fc.string({ unit: fc.constantFrom("a", "b", " ", "🦙", "é"), minLength: 1, maxLength: 4 }),
  { maxLength: 3 },
);

/** The text up to the stop that is complete first; the longest of those complete at the same place. */
function cutAtStop(text: string, stops: readonly string[]): { text: string; stop: string | undefined } {
  for (let end = 1; end <= text.length; end++) {
    const found = stops
      .filter((stop) => text.slice(0, end).endsWith(stop))
      .sort((a, b) => b.length - a.length)[0];
    if (found !== undefined) return { text: text.slice(0, end - found.length), stop: found };
  }
  return { text, stop: undefined };
}

describe("StreamDecoder", () => {
  it("streams exactly the text of decode, cut at the first stop, in whole code points", () => {
    const property = fc.property(
      anyIds,
      anyStops,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (ids, stop, skipSpecial, continuation, leadingSpace) => {
        const subject = tokenizer(leadingSpace);
        const decoder = new StreamDecoder(subject, { stop, skipSpecial, continuation });
        const chunks = [...ids.map((id) => decoder.push(id)), decoder.flush()];
        const expected = cutAtStop(subject.decode(ids, { skipSpecial, continuation }), stop);
        expect(chunks.join("")).toBe(expected.text);
        expect(decoder.stopped).toBe(expected.stop);
        for (const chunk of chunks) expect(chunk).not.toMatch(/\p{Surrogate}/u);
      },
    );
    fc.assert(property, { numRuns: 2000 });
  });

  it("holds back no more than may become a stop", () => {
    const decoder = new StreamDecoder(tokenizer(), { stop: ["aab"] });
    expect([..."xaaaay"].map((char) => decoder.push(char.charCodeAt(0)))).toEqual([
      "x",
      "",
      "",
      "a",
      "a",
      "aay",
    ]);
  });

  it("emits a code point when its last byte comes", () => {
    const decoder = new StreamDecoder(tokenizer());
    expect(emoji.map((byte) => decoder.push(byte))).toEqual(["", "", "", "🦙"]);
  });

  it("ends an unfinished code point with U+FFFD", () => {
    const decoder = new StreamDecoder(tokenizer());
    decoder.push(emoji[0]!);
    expect(decoder.flush()).toBe("\uFFFD");
  });

  it("gives nothing out after a stop", () => {
    const decoder = new StreamDecoder(tokenizer(), { stop: ["b"] });
    expect([..."abc"].map((char) => decoder.push(char.charCodeAt(0)))).toEqual(["a", "", ""]);
    expect(decoder.flush()).toBe("");
  });

  it("counts code points for text offsets, held back or not", () => {
    const decoder = new StreamDecoder(tokenizer(), { stop: ["é!"] });
    const offsets = [259, 260, 261].map((id) => {
      decoder.push(id);
      return decoder.textOffset;
    });
    expect(offsets).toEqual([1, 2, 4]);
  });

  it("refuses stops that are empty or half a surrogate pair", () => {
    for (const stop of ["", "\ud83e"]) {
      expect(() => new StreamDecoder(tokenizer(), { stop: [stop] })).toThrow(TokenizerOptionError);
    }
  });
});
