import type { AST } from "@eslint-community/regexpp";
import { GrammarError } from "../grammar-error.ts";
import { type CodePoints, codePoints, everyCodePoint, otherCodePoints } from "./code-points.ts";

const DIGIT = codePoints([[0x30, 0x39]]);
const WORD = codePoints([
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
]);
/** WhiteSpace and LineTerminator of ECMAScript. */
const SPACE = codePoints([
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
]);
const LINE_END = codePoints([
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
]);

type Characters = AST.Character | AST.CharacterSet | AST.CharacterClass | AST.CharacterClassElement;

/** The code points that one element of a regular expression matches. Throws `GrammarError`. */
export function characterSet(element: Characters, path: string): CodePoints {
  switch (element.type) {
    case "Character":
      return codePoints([[element.value, element.value]]);
    case "CharacterClassRange":
      return codePoints([[element.min.value, element.max.value]]);
    case "CharacterClass": {
      const set = codePoints(element.elements.flatMap((part) => characterSet(part, path)));
      return element.negate ? otherCodePoints(set) : set;
    }
    case "CharacterSet":
      return escapeSet(element, path);
    default:
      throw new GrammarError(
        "unsupported-schema",
        "operations on character classes cannot be enforced",
        path,
      );
  }
}

function escapeSet(set: AST.CharacterSet, path: string): CodePoints {
  switch (set.kind) {
    case "any":
      return otherCodePoints(LINE_END);
    case "digit":
      return set.negate ? otherCodePoints(DIGIT) : DIGIT;
    case "word":
      return set.negate ? otherCodePoints(WORD) : WORD;
    case "space":
      return set.negate ? otherCodePoints(SPACE) : SPACE;
    case "property":
      break;
  }
  if (set.key === "Any") return set.negate ? [] : everyCodePoint;
  throw new GrammarError("unsupported-schema", `${set.raw} cannot be enforced`, path);
}
