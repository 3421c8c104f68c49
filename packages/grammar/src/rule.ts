import type { ByteAutomaton } from "./automaton/byte-automaton.ts";

/**
 * What a text, or a part of it, must be. Rules refer to each other and may do so in circles, but only through
 * something that is written, such as a bracket.
 */
export type Rule =
  | AutomatonRule
  | TextRule
  | SequenceRule
  | ChoiceRule
  | ReferenceRule
  | MembersRule
  | ItemsRule;

interface Common {
  /** Differs from those of the grammar's other rules. */
  readonly id: number;
  /** Whether some finite text satisfies it; known once all rules are there. Only such rules are ever entered. */
  ends: boolean;
}

/** Bytes that an automaton accepts. */
export interface AutomatonRule extends Common {
  readonly kind: "automaton";
  readonly automaton: ByteAutomaton;
}

/** What stands between the quotes of a string: from min to max characters. */
export interface TextRule extends Common {
  readonly kind: "text";
  /** Any number of characters; state 0 is between two. */
  readonly characters: ByteAutomaton;
  readonly min: number;
  /** May be infinite. */
  readonly max: number;
  /** Stand-ins while the limits are farther away than any token reaches: no limit, and no end in sight. */
  readonly unlimited?: TextRule;
  readonly endless?: TextRule;
}

export interface SequenceRule extends Common {
  readonly kind: "sequence";
  readonly parts: readonly Rule[];
}

export interface ChoiceRule extends Common {
  readonly kind: "choice";
  readonly alternatives: readonly Rule[];
}

/** Another rule, found by its place in the schema. */
export interface ReferenceRule extends Common {
  readonly kind: "reference";
  target: Rule | undefined;
}

/** The members of an object after the opening brace, in this order, and the closing one. */
export interface MembersRule extends Common {
  readonly kind: "members";
  members: readonly Member[];
  /** After those: any number of members with other keys. */
  others: { readonly key: Rule; readonly value: Rule } | undefined;
  readonly min: number;
  readonly max: number;
  readonly punctuation: Punctuation;
}

export interface Member {
  /** The key in quotes, and what separates it from the value. */
  readonly key: Rule;
  readonly value: Rule;
  readonly required: boolean;
}

/** The items of an array after the opening bracket, and the closing one. */
export interface ItemsRule extends Common {
  readonly kind: "items";
  /** What the first items are. */
  readonly first: readonly Rule[];
  /** What all further ones are; undefined: there are none. */
  readonly rest: Rule | undefined;
  readonly min: number;
  max: number;
  readonly punctuation: Punctuation;
}

export interface Punctuation {
  /** `,` and at most one space. */
  readonly comma: Rule;
  readonly closeObject: Rule;
  readonly closeArray: Rule;
}
