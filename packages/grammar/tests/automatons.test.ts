import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { everyCodePoint } from "../src/automaton/code-points.ts";
import { decimalOf } from "../src/automaton/decimal.ts";
import { numberAutomaton } from "../src/automaton/number-automaton.ts";
import { patternAutomaton } from "../src/automaton/pattern-automaton.ts";
import { oneOfTexts, otherKey, stringContent } from "../src/automaton/text-automatons.ts";
import { utf8Ranges } from "../src/automaton/utf8-ranges.ts";
import { WorkLimit } from "../src/automaton/work-limit.ts";
import { acceptsText } from "./accepts-text.ts";

const work = () => new WorkLimit(10_000);
const content = (text: string) => JSON.stringify(text).slice(1, -1);

describe("UTF-8 ranges", () => {
  it("spell the code points of a range, each once, and no other", () => {
    const codePoint = fc.integer({ min: 0, max: 0x10ffff }).filter((code) => code < 0xd800 || code > 0xdfff);
    const near = fc.tuple(codePoint, fc.integer({ min: -70, max: 70 })).map(([code, by]) => code + by);
    fc.assert(
      fc.property(
        codePoint,
        codePoint,
        fc.array(fc.oneof(codePoint, near), { minLength: 5 }),
        (a, b, others) => {
          const [first, last] = [Math.min(a, b), Math.max(a, b)];
          if (first < 0xd800 && last > 0xdfff) return;
          const ranges = utf8Ranges(first, last);
          for (const code of [first, last, first - 1, last + 1, ...others]) {
            if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) continue;
            const bytes = new TextEncoder().encode(String.fromCodePoint(code));
            const matching = ranges.filter(
              (sequence) =>
                sequence.length === bytes.length &&
                sequence.every(([low, high], i) => low <= bytes[i]! && bytes[i]! <= high),
            );
            expect(matching.length, code.toString(16)).toBe(first <= code && code <= last ? 1 : 0);
          }
        },
      ),
    );
  });

  it("of everything are as few as they can be", () => {
    expect(everyCodePoint.flatMap(([first, last]) => utf8Ranges(first, last)).length).toBe(9);
  });
});

describe("number automatons", () => {
  const digits = fc.integer({ min: 0, max: 1_500 });
  const text = fc
    .tuple(fc.boolean(), digits, fc.option(fc.stringMatching(/^[0-9]{1,4}$/)))
    .map(
      ([isNegative, whole, fraction]) =>
        `${isNegative ? "-" : ""}${whole}${fraction === null ? "" : `.${fraction}`}`,
    )
    // A negative zero is never written.
    .filter((spelled) => !Object.is(Number(spelled), -0));
  const bound = fc.oneof(
    fc.integer({ min: -1_200, max: 1_200 }),
    fc.integer({ min: -12_000, max: 12_000 }).map((n) => n / 10),
  );
  const bounds = fc.record({
    min: fc.option(fc.record({ value: bound, exclusive: fc.boolean() }), { nil: undefined }),
    max: fc.option(fc.record({ value: bound, exclusive: fc.boolean() }), { nil: undefined }),
    integer: fc.boolean(),
    multipleOf: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  });

  it("accept the numbers within bounds and no others", () => {
    fc.assert(
      fc.property(bounds, fc.array(text, { minLength: 10 }), ({ min, max, integer, multipleOf }, texts) => {
        const given = {
          integer,
          ...(min && { min }),
          ...(max && { max }),
          ...(multipleOf && { multipleOf }),
        };
        const automaton = numberAutomaton(work(), "schema", given);
        const edges = [min, max].flatMap((one) => (one ? [String(one.value)] : []));
        for (const spelled of [...texts, ...edges]) {
          const value = Number(spelled);
          const isWithin =
            (!min || value > min.value || (!min.exclusive && value === min.value)) &&
            (!max || value < max.value || (!max.exclusive && value === max.value)) &&
            (!(integer || multipleOf) || !spelled.includes(".")) &&
            (!multipleOf || value % multipleOf === 0);
          expect(automaton !== undefined && acceptsText(automaton, spelled), spelled).toBe(isWithin);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("go by the decimals that doubles are written as", () => {
    expect([0, 1e21, 1.5e-7, 120, 0.1].map(decimalOf)).toEqual([
      { whole: "0", fraction: "" },
      { whole: `1${"0".repeat(21)}`, fraction: "" },
      { whole: "0", fraction: "00000015" },
      { whole: "120", fraction: "" },
      { whole: "0", fraction: "1" },
    ]);
  });
});

describe("pattern automatons", () => {
  const patterns = [
    ..."^a*$ b ^(ab|c)+$ ^a?b{2,3}$ [^a-c] ^. \\d\\D \\w+\\W ^\\s*$ a|b$ ^(a|b)*c ^[\\u{1F600}-\\u{1F602}é]+$ ^$ (a|) ^(a*)*b$".split(
      " ",
    ),
    '["\\\\\\n\\u0001]',
    "^a{0}b{0,}$",
    "x(?:y|(?<n>z))",
  ];
  const alphabet = fc.constantFrom(...'abcxyz019_ \n"\\\u0001é😀😁\u2028-'.match(/./gsu)!);
  it.each(patterns)("accept what the regular expression finds: %s", (pattern) => {
    const automaton = patternAutomaton(work(), "schema", pattern)!;
    const expression = new RegExp(pattern, "u");
    fc.assert(
      fc.property(
        fc.array(alphabet, { maxLength: 7 }).map((list) => list.join("")),
        (text) => {
          expect(acceptsText(automaton, content(text))).toBe(expression.test(text));
        },
      ),
    );
  });
});

describe("text automatons", () => {
  it("of strings accept what JSON.stringify writes, and every escape", () => {
    const automaton = stringContent(work());
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const isWhole = !/\p{Surrogate}/u.test(text);
        expect(acceptsText(automaton, content(text))).toBe(isWhole);
      }),
    );
    expect(["\\/", "\\u00AF", "\\ud7ff", "\\uE000"].filter((text) => !acceptsText(automaton, text))).toEqual(
      [],
    );
    expect(
      ["\\x", '"', "\n", "\\ud800", "\\uDFFF", "\\u00g0", "\\"].filter((text) =>
        acceptsText(automaton, text),
      ),
    ).toEqual([]);
  });

  it("of keys accept any but the names", () => {
    const word = fc.string({ unit: fc.constantFrom("a", "b", "é", "😀", '"'), maxLength: 4 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), fc.array(word, { minLength: 1 }), (names, keys) => {
        const automaton = otherKey(work(), "schema", names);
        for (const key of [...names, ...keys]) {
          expect(acceptsText(automaton, JSON.stringify(key))).toBe(
            !names.includes(key) && !key.includes('"'),
          );
        }
      }),
    );
  });

  it("of literals accept those alone", () => {
    const texts = fc.array(fc.string({ maxLength: 4, unit: fc.constantFrom("a", "b", "é") }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(texts, texts, (some, others) => {
        const automaton = oneOfTexts(work(), "schema", some)!;
        for (const text of [...some, ...others])
          expect(acceptsText(automaton, text)).toBe(some.includes(text));
      }),
    );
  });
});
