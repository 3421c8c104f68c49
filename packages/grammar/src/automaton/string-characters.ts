import type { AutomatonBuilder } from "./automaton-builder.ts";
import { type CodePoints, codePoints, common, LAST_CODE_POINT } from "./code-points.ts";
import type { ByteRanges } from "./utf8-ranges.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** What stands after the backslash. */
const SHORT_ESCAPES: ReadonlyMap<number, string> = new Map([
  [QUOTE, '"'],
  [BACKSLASH, "\\"],
  [0x08, "b"],
  [0x0c, "f"],
  [0x0a, "n"],
  [0x0d, "r"],
  [0x09, "t"],
]);
const ESCAPED: readonly number[] = [...Array(0x20).keys(), QUOTE, BACKSLASH];

const HEX: ByteRanges = [byteRange("0", "9"), byteRange("A", "F"), byteRange("a", "f")];
const D: ByteRanges = [only("D"), only("d")];
const HEX_BUT_D: ByteRanges = [
  byteRange("0", "9"),
  byteRange("A", "C"),
  byteRange("E", "F"),
  byteRange("a", "c"),
  byteRange("e", "f"),
];

/** The characters that stand for themselves in a string of JSON. */
export const rawCharacters = codePoints([
  [0x20, QUOTE - 1],
  [QUOTE + 1, BACKSLASH - 1],
  [BACKSLASH + 1, LAST_CODE_POINT],
]);

/** One character of the set as it stands between quotes, each in one spelling: itself, or its shortest escape. */
export function stringCharacter(builder: AutomatonBuilder, from: number, set: CodePoints, to: number): void {
  builder.characters(from, common(set, rawCharacters), to);
  const escaped = ESCAPED.filter((code) => set.some(([first, last]) => first <= code && code <= last));
  if (escaped.length === 0) return;
  const backslash = builder.inside();
  builder.bytes(from, BACKSLASH, BACKSLASH, backslash);
  const hex = escaped.filter((code) => !SHORT_ESCAPES.has(code));
  for (const code of escaped) {
    const letter = SHORT_ESCAPES.get(code)?.charCodeAt(0);
    if (letter !== undefined) builder.bytes(backslash, letter, letter, to);
  }
  for (const high of [0, 1]) {
    const digits = hex.filter((code) => code >> 4 === high).map((code) => (code & 15).toString(16));
    if (digits.length === 0) continue;
    const [u, zero, second, last] = [builder.inside(), builder.inside(), builder.inside(), builder.inside()];
    const path = [backslash, u, zero, second, last];
    for (const [i, character] of [..."u00", String(high)].entries()) {
      builder.bytes(path[i]!, character.charCodeAt(0), character.charCodeAt(0), path[i + 1]!);
    }
    for (const digit of digits) builder.bytes(last, digit.charCodeAt(0), digit.charCodeAt(0), to);
  }
}

/** Any character in any spelling that JSON has for it, but for pairs of surrogates: one spelling is one character. */
export function anyStringCharacter(builder: AutomatonBuilder, from: number, to: number): void {
  builder.characters(from, rawCharacters, to);
  for (const letter of '"\\/bfnrt') builder.sequence(from, [only("\\"), only(letter)], to);
  const begin = [only("\\"), only("u")];
  for (const rest of sequences([HEX_BUT_D, HEX, HEX, HEX])) builder.sequence(from, [...begin, ...rest], to);
  for (const rest of sequences([D, [byteRange("0", "7")], HEX, HEX]))
    builder.sequence(from, [...begin, ...rest], to);
}

/** One range of each list after the other, in all ways. */
function sequences(lists: readonly ByteRanges[]): (readonly [number, number])[][] {
  const [first, ...others] = lists;
  if (first === undefined) return [[]];
  return first.flatMap((range) => sequences(others).map((rest) => [range, ...rest]));
}

function only(character: string): readonly [number, number] {
  return byteRange(character, character);
}

function byteRange(first: string, last: string): readonly [number, number] {
  return [first.charCodeAt(0), last.charCodeAt(0)];
}
