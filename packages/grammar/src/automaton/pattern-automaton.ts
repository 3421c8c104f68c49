import { type AST, RegExpParser } from "@eslint-community/regexpp";
import { GrammarError } from "../grammar-error.ts";
import { limits } from "../limits.ts";
import { AutomatonBuilder } from "./automaton-builder.ts";
import type { ByteAutomaton } from "./byte-automaton.ts";
import { everyCodePoint } from "./code-points.ts";
import { characterSet } from "./pattern-characters.ts";
import { stringCharacter } from "./string-characters.ts";
import type { WorkLimit } from "./work-limit.ts";

/**
 * What stands between the quotes of a string in which an ECMAScript regular expression (flag u) finds a match.
 * Every character has one spelling. Undefined where no text matches. Throws `GrammarError`.
 */
export function patternAutomaton(work: WorkLimit, path: string, pattern: string): ByteAutomaton | undefined {
  if (pattern.length > limits.patternCharacters) {
    throw new GrammarError("too-large", `expected at most ${limits.patternCharacters} characters`, path);
  }
  return new PatternReader(work, path).read(parsed(pattern, path));
}

function parsed(pattern: string, path: string): AST.Pattern {
  try {
    return new RegExpParser({ ecmaVersion: 2024 }).parsePattern(pattern, 0, pattern.length, {
      unicode: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GrammarError("invalid-schema", `expected a regular expression (flag u): ${reason}`, path);
  }
}

class PatternReader {
  readonly #builder: AutomatonBuilder;
  readonly #path: string;

  constructor(work: WorkLimit, path: string) {
    this.#builder = new AutomatonBuilder(work, path);
    this.#path = path;
  }

  read({ alternatives }: AST.Pattern): ByteAutomaton | undefined {
    const start = this.#builder.state();
    for (const { elements } of alternatives) {
      const atStart = isAnchor(elements[0], "start");
      const atEnd = isAnchor(elements.at(-1), "end");
      let state = this.#builder.state();
      this.#builder.empty(start, state);
      if (!atStart) this.#anyText(state);
      for (const element of elements.slice(atStart ? 1 : 0, atEnd ? -1 : undefined)) {
        state = this.#element(element, state);
      }
      if (!atEnd) {
        const rest = this.#builder.state();
        this.#builder.empty(state, rest);
        this.#anyText(rest);
        state = rest;
      }
      this.#builder.accept(state);
    }
    return this.#builder.finish(start);
  }

  /** The state after the element, which begins in the given state. */
  #element(element: AST.Element, from: number): number {
    switch (element.type) {
      case "Character":
      case "CharacterSet":
      case "CharacterClass": {
        const to = this.#builder.state();
        stringCharacter(this.#builder, from, characterSet(element, this.#path), to);
        return to;
      }
      case "Group":
        if (element.modifiers !== null) throw this.#unsupported("modifiers");
        return this.#alternatives(element.alternatives, from);
      case "CapturingGroup":
        return this.#alternatives(element.alternatives, from);
      case "Quantifier":
        return this.#repeated(element, from);
      case "Assertion":
        throw this.#unsupported(
          element.kind === "start" || element.kind === "end"
            ? "^ and $ elsewhere than around a whole alternative"
            : "look-around and word boundaries",
        );
      case "Backreference":
        throw this.#unsupported("backreferences");
      case "ExpressionCharacterClass":
        throw this.#unsupported("operations on character classes");
    }
  }

  #alternatives(alternatives: readonly AST.Alternative[], from: number): number {
    const to = this.#builder.state();
    for (const { elements } of alternatives) {
      // A state of its own, since a loop at the beginning of one alternative must not lead into another.
      let state = this.#builder.state();
      this.#builder.empty(from, state);
      for (const element of elements) state = this.#element(element, state);
      this.#builder.empty(state, to);
    }
    return to;
  }

  #repeated({ element, min, max }: AST.Quantifier, from: number): number {
    let state = from;
    for (let i = 0; i < min; i++) state = this.#element(element, state);
    const to = this.#builder.state();
    if (max === Number.POSITIVE_INFINITY) {
      this.#builder.empty(state, to);
      const end = this.#element(element, to);
      this.#builder.empty(end, to);
      return to;
    }
    for (let i = min; i < max; i++) {
      this.#builder.empty(state, to);
      state = this.#element(element, state);
    }
    this.#builder.empty(state, to);
    return to;
  }

  #anyText(state: number): void {
    stringCharacter(this.#builder, state, everyCodePoint, state);
  }

  #unsupported(what: string): GrammarError {
    return new GrammarError("unsupported-schema", `${what} cannot be enforced`, this.#path);
  }
}

function isAnchor(element: AST.Element | undefined, kind: "start" | "end"): boolean {
  return element?.type === "Assertion" && element.kind === kind;
}
