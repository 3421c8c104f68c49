import { AutomatonBuilder } from "./automaton-builder.ts";
import type { ByteAutomaton } from "./byte-automaton.ts";
import { codePoints, common, otherCodePoints } from "./code-points.ts";
import { anyStringCharacter, rawCharacters } from "./string-characters.ts";
import type { WorkLimit } from "./work-limit.ts";

/** What stands between the quotes of a string; every text of characters is accepted, state 0 is between two. */
export function stringContent(work: WorkLimit): ByteAutomaton {
  const builder = new AutomatonBuilder(work, "schema");
  const start = builder.state();
  anyStringCharacter(builder, start, start);
  builder.accept(start);
  return builder.finish(start)!;
}

/** Exactly one of the texts. */
export function oneOfTexts(
  work: WorkLimit,
  path: string,
  texts: Iterable<string>,
): ByteAutomaton | undefined {
  const builder = new AutomatonBuilder(work, path);
  const start = builder.state();
  const children = new Map<number, Map<number, number>>();
  for (const text of texts) {
    let state = start;
    for (const byte of new TextEncoder().encode(text)) {
      const known = children.get(state) ?? new Map<number, number>();
      children.set(state, known);
      let next = known.get(byte);
      if (next === undefined) {
        next = builder.state();
        builder.bytes(state, byte, byte, next);
        known.set(byte, next);
      }
      state = next;
    }
    builder.accept(state);
  }
  return builder.finish(start);
}

/**
 * A key in quotes that is none of the names. It is spelled without escapes, so that no spelling of a name gets by.
 */
export function otherKey(work: WorkLimit, path: string, names: Iterable<string>): ByteAutomaton {
  interface Node {
    readonly state: number;
    readonly children: Map<number, Node>;
    isName: boolean;
  }
  const builder = new AutomatonBuilder(work, path);
  const node = (): Node => ({ state: builder.state(), children: new Map(), isName: false });
  const root = node();
  for (const name of names) {
    let at = root;
    for (const character of name) {
      const code = character.codePointAt(0)!;
      const next = at.children.get(code) ?? node();
      at.children.set(code, next);
      at = next;
    }
    at.isName = true;
  }
  const [start, other, end] = [builder.state(), builder.state(), builder.state()];
  const quote = 0x22;
  builder.bytes(start, quote, quote, root.state);
  builder.characters(other, rawCharacters, other);
  builder.bytes(other, quote, quote, end);
  builder.accept(end);
  const open = [root];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (!at.isName) builder.bytes(at.state, quote, quote, end);
    const beyond: [number, number][] = [];
    for (const [code, child] of at.children) {
      beyond.push([code, code]);
      builder.characters(at.state, common(rawCharacters, [[code, code]]), child.state);
      open.push(child);
    }
    builder.characters(at.state, common(rawCharacters, otherCodePoints(codePoints(beyond))), other);
  }
  return builder.finish(start)!;
}
