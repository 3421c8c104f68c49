import { limits } from "../limits.ts";
import { DEAD, type LazyAutomaton } from "./lazy-automaton.ts";
import type { MaskCache } from "./mask-cache.ts";
import type { TokenTrie } from "./token-trie.ts";

/** The next tokens that an automaton allows in a state, as bits. */
export class TokenMasks {
  readonly #automaton: LazyAutomaton;
  readonly #trie: TokenTrie;
  readonly #words: number;
  readonly #cache: MaskCache;
  readonly #path: Int32Array;
  #epoch: number;
  #owner: number;

  /** @param words 32-bit words of a mask. */
  constructor(automaton: LazyAutomaton, trie: TokenTrie, words: number, cache: MaskCache) {
    this.#automaton = automaton;
    this.#trie = trie;
    this.#words = words;
    this.#cache = cache;
    this.#path = new Int32Array(trie.depth + 1);
    this.#epoch = automaton.epoch;
    this.#owner = cache.newOwner();
  }

  /** Bit (id & 31) of word (id >> 5) is 1 for each token that may follow; stop tokens are never among them. Do not modify. */
  of(state: number): Uint32Array {
    if (this.#epoch !== this.#automaton.epoch) {
      this.#owner = this.#cache.newOwner();
      this.#epoch = this.#automaton.epoch;
    }
    const known = this.#cache.get(this.#owner, state);
    if (known !== undefined) return known;
    const mask = this.#made(state);
    this.#cache.set(this.#owner, state, mask);
    return mask;
  }

  #made(state: number): Uint32Array {
    const alike = this.#automaton.alike(state);
    if (alike === undefined) return this.#walk(state, 0, new Uint32Array(this.#words));
    const usual = this.of(alike.state);
    if (alike.reach >= this.#trie.depth) return usual;
    const short = this.#trie.upTo(alike.reach);
    return this.#walk(
      state,
      alike.reach,
      usual.map((word, i) => word & (short[i] ?? 0)),
    );
  }

  /** Adds to a mask the tokens of more than `reach` bytes. */
  #walk(start: number, reach: number, mask: Uint32Array): Uint32Array {
    const { byte, level, after, deepest, firstToken, ids, nodes } = this.#trie;
    const automaton = this.#automaton;
    const [moves, size] = [automaton.moves + limits.movesOfMask, automaton.size + limits.newStatesOfMask];
    const path = this.#path;
    path[0] = start;
    for (let node = 0; node < nodes; ) {
      const depth = level[node]!;
      const state = deepest[node]! <= reach ? DEAD : automaton.after(path[depth - 1]!, byte[node]!);
      if (state === DEAD) {
        node = after[node]!;
        continue;
      }
      // A schema that was made for it.
      if (automaton.moves > moves || automaton.size > size) return this.#oneByteTokens(start);
      path[depth] = state;
      for (let i = firstToken[node]!; i < firstToken[node + 1]!; i++) allow(mask, ids[i]!);
      node++;
    }
    return mask;
  }

  /** Whatever can be written can be written byte by byte, so this is enough to go on. */
  #oneByteTokens(start: number): Uint32Array {
    const { byte, after, firstToken, ids, nodes } = this.#trie;
    const mask = new Uint32Array(this.#words);
    for (let node = 0; node < nodes; node = after[node]!) {
      if (this.#automaton.after(start, byte[node]!) === DEAD) continue;
      for (let i = firstToken[node]!; i < firstToken[node + 1]!; i++) allow(mask, ids[i]!);
    }
    return mask;
  }
}

export function allow(mask: Uint32Array, id: number): void {
  mask[id >> 5]! |= 1 << (id & 31);
}
