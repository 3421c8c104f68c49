import type { ByteAutomaton } from "./byte-automaton.ts";
import { numberAutomaton } from "./number-automaton.ts";
import { oneOfTexts, otherKey, stringContent } from "./text-automatons.ts";
import { WorkLimit } from "./work-limit.ts";

/** The automatons that most grammars have, made once. */
export class CommonAutomatons {
  /** What stands between the quotes of any string. */
  readonly characters: ByteAutomaton;
  /** Any key, in quotes. */
  readonly key: ByteAutomaton;
  readonly number: ByteAutomaton;
  readonly integer: ByteAutomaton;
  /** `true`, `false` and `null`. */
  readonly literal: ByteAutomaton;
  /** With at most one space after them. */
  readonly comma: ByteAutomaton;
  readonly colon: ByteAutomaton;

  constructor() {
    const work = new WorkLimit(Number.POSITIVE_INFINITY);
    this.characters = stringContent(work);
    this.key = otherKey(work, "schema", []);
    this.number = numberAutomaton(work, "schema", { integer: false })!;
    this.integer = numberAutomaton(work, "schema", { integer: true })!;
    this.literal = oneOfTexts(work, "schema", ["true", "false", "null"])!;
    this.comma = oneOfTexts(work, "schema", [",", ", "])!;
    this.colon = oneOfTexts(work, "schema", [":", ": "])!;
  }
}
