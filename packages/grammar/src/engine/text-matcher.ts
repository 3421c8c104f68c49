import { GrammarError } from "../grammar-error.ts";
import { DEAD, type LazyAutomaton } from "./lazy-automaton.ts";
import type { Stack } from "./stack.ts";
import { allow, type TokenMasks } from "./token-masks.ts";
import type { TokenTrie } from "./token-trie.ts";

/** A grammar made ready for one vocabulary. */
export interface ReadyGrammar {
  readonly automaton: LazyAutomaton;
  readonly masks: TokenMasks;
}

/** Where one sequence is in a grammar. */
export class TextMatcher {
  readonly #grammar: ReadyGrammar;
  readonly #trie: TokenTrie;
  readonly #eosIds: ReadonlySet<number>;
  #state: number;
  #epoch: number;
  /** Of the state, to find it again in another epoch. */
  #stacks: readonly Stack[];
  #isOver = false;

  constructor(grammar: ReadyGrammar, trie: TokenTrie, eosIds: ReadonlySet<number>) {
    this.#grammar = grammar;
    this.#trie = trie;
    this.#eosIds = eosIds;
    this.#state = grammar.automaton.start;
    this.#epoch = grammar.automaton.epoch;
    this.#stacks = grammar.automaton.stacksOf(this.#state);
  }

  /** Throws `GrammarError` for a token that the mask does not allow; the matcher stays where it was. */
  accept(id: number): void {
    const { automaton } = this.#grammar;
    this.#follow();
    if (this.#eosIds.has(id)) {
      if (!this.#isOver && !automaton.mayEnd(this.#state)) throw rejected(id);
      this.#isOver = true;
      return;
    }
    const bytes = this.#trie.bytesOf(id);
    let state = this.#isOver || bytes.length === 0 ? DEAD : this.#state;
    for (const byte of bytes) state = automaton.after(state, byte);
    if (state === DEAD) throw rejected(id);
    this.#state = state;
    this.#stacks = automaton.stacksOf(state);
  }

  /**
   * Allows the next tokens in a mask of zeros. True when only stop tokens may follow, whether there are any or not.
   * Throws `GrammarError` when the text has to go on and no token can.
   */
  fill(mask: Uint32Array): boolean {
    this.#grammar.automaton.trim();
    this.#follow();
    const { automaton, masks } = this.#grammar;
    const isDone = this.#isOver || automaton.mustEnd(this.#state);
    if (!isDone) mask.set(masks.of(this.#state));
    const mayEnd = isDone || automaton.mayEnd(this.#state);
    if (mayEnd) for (const id of this.#eosIds) allow(mask, id);
    if (!mayEnd && mask.every((word) => word === 0)) {
      throw new GrammarError("dead-end", "no token of the vocabulary can go on with the value");
    }
    return isDone;
  }

  #follow(): void {
    const { automaton } = this.#grammar;
    if (this.#epoch === automaton.epoch) return;
    this.#state = automaton.adopt(this.#stacks);
    this.#epoch = automaton.epoch;
    this.#stacks = automaton.stacksOf(this.#state);
  }
}

function rejected(id: number): GrammarError {
  return new GrammarError("rejected-token", `token ${id} is not one that the mask allowed`);
}
