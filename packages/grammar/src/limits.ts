/** What a schema may have at most, and what compiling and matching may take. */
export const limits = {
  /** Characters of the schema as JSON. */
  schemaCharacters: 256 * 1024,
  /** Objects and arrays in each other. */
  schemaDepth: 64,
  /** Values in the schema: objects, arrays and scalars. */
  schemaValues: 20_000,
  /** Rules after references and combinations are resolved. */
  rules: 20_000,
  /** Values of one `enum`. */
  enumValues: 2_000,
  /** Alternatives of one `anyOf`, `oneOf` or `allOf`. */
  alternatives: 128,
  /** `minLength`, `maxLength`, `minItems`, `maxItems`, `minProperties`, `maxProperties`. */
  count: 1_000_000,
  /** Characters of a `pattern`. */
  patternCharacters: 1_024,
  /** The largest `multipleOf`. */
  multipleOf: 100,
  /** States of the automaton of one string, number or list of literals. */
  automatonStates: 50_000,
  /** Edges of such an automaton once empty transitions are resolved. */
  automatonEdges: 500_000,
  /** States of all automatons of a schema. */
  schemaStates: 150_000,
  /** Objects and arrays in each other where the schema allows any value. */
  freeDepth: 32,
  /** Ways to read a text that are followed at the same time; further ones are not allowed. */
  threads: 2_048,
  /** States of a grammar's deterministic automaton, 1 KiB each, and stacks, before it starts anew. */
  states: 16_384,
  stacks: 131_072,
  /** States of all grammars of a thread before the least recently used of them start anew. */
  statesOfThread: 65_536,
  /** New states and thread moves that one mask may take before it is cut down to tokens of one byte. */
  newStatesOfMask: 4_096,
  movesOfMask: 1_000_000,
} as const;
