import { CommonAutomatons } from "../src/automaton/common-automatons.ts";
import { checkedFormat } from "../src/checked-format.ts";
import { compiledGrammar } from "../src/compiled-grammar.ts";
import { LazyAutomaton } from "../src/engine/lazy-automaton.ts";
import { MaskCache } from "../src/engine/mask-cache.ts";
import { TextMatcher } from "../src/engine/text-matcher.ts";
import { TokenMasks } from "../src/engine/token-masks.ts";
import { TokenTrie } from "../src/engine/token-trie.ts";
import type { JsonFormat } from "../src/json-format.ts";
import { packedVocabulary, type Vocabulary } from "../src/vocabulary.ts";

const common = new CommonAutomatons();

/** A number in [0, 1) from a seed: mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What the threads do, without threads. */
export class Walker {
  readonly vocabulary: Vocabulary;
  readonly #trie: TokenTrie;
  readonly #eosIds: ReadonlySet<number>;
  readonly #closing: Set<number>;

  private constructor(vocabulary: Vocabulary, trie: TokenTrie) {
    this.vocabulary = vocabulary;
    this.#trie = trie;
    this.#eosIds = new Set(vocabulary.eosIds);
    this.#closing = new Set(trie.ids.filter((id) => CLOSING.test(latin1(trie.bytesOf(id)))));
    for (const id of vocabulary.eosIds) this.#closing.add(id);
  }

  static async of(vocabulary: Vocabulary): Promise<Walker> {
    return new Walker(vocabulary, new TokenTrie(await packedVocabulary(vocabulary)));
  }

  /** Starts matchers of one format. Throws `GrammarError`. */
  compiled(format: JsonFormat): () => TextMatcher {
    const automaton = new LazyAutomaton(compiledGrammar(checkedFormat(format), common, 10_000));
    const masks = new TokenMasks(automaton, this.#trie, this.words, new MaskCache(2 ** 20));
    return () => new TextMatcher({ automaton, masks }, this.#trie, this.#eosIds);
  }

  get words(): number {
    return Math.ceil(this.vocabulary.vocabSize / 32);
  }

  allowed(matcher: TextMatcher): { readonly ids: number[]; readonly done: boolean } {
    const mask = new Uint32Array(this.words);
    const done = matcher.fill(mask);
    return { ids: idsOf(mask), done };
  }

  /** The bytes of a text of random tokens that masks allow; undefined where it does not end soon. */
  text(matcher: TextMatcher, random: () => number, soon = 400): Uint8Array | undefined {
    const bytes: number[] = [];
    for (let i = 0; i < soon; i++) {
      const { ids, done } = this.allowed(matcher);
      if (done) return Uint8Array.from(bytes);
      const id = this.#choice(ids, random, i);
      if (this.#eosIds.has(id)) return Uint8Array.from(bytes);
      matcher.accept(id);
      bytes.push(...this.vocabulary.tokenBytes(id));
    }
    return undefined;
  }

  /** After a while, mostly tokens that close something. */
  #choice(ids: readonly number[], random: () => number, step: number): number {
    const closing = ids.filter((id) => this.#closing.has(id));
    const choices = closing.length > 0 && random() < (step < 12 ? 0.3 : 0.85) ? closing : ids;
    return choices[Math.floor(random() * choices.length)]!;
  }

  /** Whether masks allow the text, byte by byte, and an end after it. */
  allows(start: () => TextMatcher, text: string): boolean {
    const matcher = start();
    for (const byte of new TextEncoder().encode(text)) {
      const id = this.#trie.ids.find((one) => this.#isByte(one, byte))!;
      if (!this.allowed(matcher).ids.includes(id)) return false;
      matcher.accept(id);
    }
    return this.allowed(matcher).ids.some((id) => this.#eosIds.has(id));
  }

  #isByte(id: number, byte: number): boolean {
    const bytes = this.#trie.bytesOf(id);
    return bytes.length === 1 && bytes[0] === byte;
  }
}

export function idsOf(mask: Uint32Array): number[] {
  const ids: number[] = [];
  mask.forEach((word, index) => {
    for (let bit = 0; bit < 32; bit++) if ((word >>> bit) & 1) ids.push(index * 32 + bit);
  });
  return ids;
}

const CLOSING = /^["\]}]+$/;

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}
