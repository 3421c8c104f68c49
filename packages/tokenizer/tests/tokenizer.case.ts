import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { TokenIdError } from "../src/errors.ts";
import { StreamDecoder } from "../src/stream-decoder.ts";
import type { Tokenizer } from "../src/tokenizer.ts";

// Without U+2581, which SentencePiece reads as a space.
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(..."abhelo <|/s>\n1é".split(""), "🦙", "你", "hello"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 60,
});

/** What every tokenizer that can spell all text promises. One more line for each implementation. */
export function testTokenizer(name: string, load: () => Tokenizer | Promise<Tokenizer>): void {
  describe(`${name} keeps the promises of a tokenizer`, () => {
    let tokenizer: Tokenizer;
    let ids: number[];
    let specials: number[];
    beforeAll(async () => {
      tokenizer = await load();
      ids = Array.from({ length: tokenizer.vocabSize }, (_, id) => id);
      specials = ids.filter((id) => tokenizer.isSpecial(id));
    });
    const spelled = (id: number) => Buffer.from(tokenizer.tokenBytes(id)).toString();

    it("decodes what it encoded, special tokens in the text or not", () => {
      const property = fc.property(anyText, fc.boolean(), fc.nat(), (text, parseSpecial, pick) => {
        expect(tokenizer.decode(tokenizer.encode(text, { parseSpecial: false }))).toBe(text);
        const withSpecial = `${text}${spelled(specials[pick % specials.length]!)}${text}`;
        const encoded = tokenizer.encode(withSpecial, { addSpecial: false, parseSpecial });
        if (!parseSpecial) expect(tokenizer.decode(encoded)).toBe(withSpecial);
      });
      fc.assert(property, { numRuns: 300 });
    });

    it("gives each special token its own id where they are parsed, and never otherwise", () => {
      for (const id of specials) {
        const text = `a${spelled(id)}b`;
        expect(tokenizer.encode(text, { addSpecial: false })).toContain(id);
        const plain = [...tokenizer.encode(text, { addSpecial: false, parseSpecial: false })];
        expect(plain.filter((other) => tokenizer.isSpecial(other))).toEqual([]);
      }
    });

    it("encodes the same while the event loop runs, in short texts and long ones", async () => {
      for (const text of ["", "hello", "ab lo ".repeat(5000), "hello".repeat(5000), "🦙<é".repeat(5000)]) {
        expect(await tokenizer.encodeAsync(text)).toEqual(tokenizer.encode(text));
      }
    });

    it("encodes lone surrogates as U+FFFD", () => {
      expect(tokenizer.encode("a\ud83eb\udd99")).toEqual(tokenizer.encode("a\uFFFDb\uFFFD"));
    });

    it("decodes to the bytes of its tokens", () => {
      const property = fc.property(fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 30 }), (some) => {
        const text = Buffer.concat(some.map((id) => tokenizer.tokenBytes(id)));
        const expected = new TextDecoder("utf-8", { ignoreBOM: true }).decode(text);
        expect(tokenizer.decode(some, { skipSpecial: false, continuation: true })).toBe(expected);
      });
      fc.assert(property);
    });

    it("streams the text that decode gives, cut at a stop", () => {
      const pieces = fc.array(fc.nat(tokenizer.vocabSize - 1), { maxLength: 30 });
      const property = fc.property(
        pieces,
        fc.nat(20),
        fc.nat(3),
        fc.boolean(),
        (some, from, length, continuation) => {
          const whole = tokenizer.decode(some, { continuation });
          const stop = Array.from(whole)
            .slice(from, from + length)
            .join("");
          const decoder = new StreamDecoder(tokenizer, { stop: stop === "" ? [] : [stop], continuation });
          const streamed = some.map((id) => decoder.push(id)).join("") + decoder.flush();
          expect(streamed).toBe(stop === "" ? whole : whole.slice(0, whole.indexOf(stop)));
          expect(decoder.stopped).toBe(stop === "" ? undefined : stop);
        },
      );
      fc.assert(property, { numRuns: 300 });
    });

    it("leaves special tokens out of the text unless asked", () => {
      const hello = tokenizer.encode("hello", { addSpecial: false });
      const around = [...specials, ...hello, ...specials];
      expect(tokenizer.decode(around)).toBe("hello");
      expect(tokenizer.decode(around, { skipSpecial: false })).toContain(spelled(specials[0]!));
    });

    it("names ids in range only, and refuses others", () => {
      for (const id of [tokenizer.bosId ?? 0, ...tokenizer.eosIds])
        expect(tokenizer.isSpecial(id)).toBe(true);
      for (const id of [-1, tokenizer.vocabSize, 0.5, Number.NaN]) {
        expect(() => tokenizer.tokenBytes(id)).toThrow(TokenIdError);
        expect(() => tokenizer.isSpecial(id)).toThrow(TokenIdError);
        expect(() => tokenizer.decode([id])).toThrow(TokenIdError);
        expect(() => new StreamDecoder(tokenizer).push(id)).toThrow(TokenIdError);
      }
    });
  });
}
