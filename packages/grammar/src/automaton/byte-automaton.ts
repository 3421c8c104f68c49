/**
 * A nondeterministic automaton over bytes without empty transitions. State 0 is the start. From every state some
 * text leads to an accepting one, so a reader is never led into a dead end.
 */
export interface ByteAutomaton {
  /** Edges of state s: `firstEdge[s]` to `firstEdge[s + 1]`. */
  readonly firstEdge: Int32Array;
  /** An edge is taken by the bytes from low to high. */
  readonly low: Uint8Array;
  readonly high: Uint8Array;
  readonly target: Int32Array;
  /** 1: a text may end here. */
  readonly accepts: Uint8Array;
  /** 1: inside of a character, between two of its bytes. */
  readonly inside: Uint8Array;
}
