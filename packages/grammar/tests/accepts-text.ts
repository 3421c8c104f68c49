import type { ByteAutomaton } from "../src/automaton/byte-automaton.ts";

/** Whether the automaton accepts the whole text: the plain way, state set after state set. */
export function acceptsText(automaton: ByteAutomaton, text: string): boolean {
  let states = new Set([0]);
  for (const byte of new TextEncoder().encode(text)) {
    const next = new Set<number>();
    for (const state of states) {
      for (let e = automaton.firstEdge[state]!; e < automaton.firstEdge[state + 1]!; e++) {
        if (automaton.low[e]! <= byte && byte <= automaton.high[e]!) next.add(automaton.target[e]!);
      }
    }
    states = next;
  }
  return [...states].some((state) => automaton.accepts[state] === 1);
}
