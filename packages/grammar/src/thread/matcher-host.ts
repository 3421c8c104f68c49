import { CommonAutomatons } from "../automaton/common-automatons.ts";
import type { FormatText } from "../checked-format.ts";
import { compiledGrammar } from "../compiled-grammar.ts";
import { LazyAutomaton } from "../engine/lazy-automaton.ts";
import { MaskCache } from "../engine/mask-cache.ts";
import { type ReadyGrammar, TextMatcher } from "../engine/text-matcher.ts";
import { TokenMasks } from "../engine/token-masks.ts";
import { TokenTrie } from "../engine/token-trie.ts";
import { GrammarError } from "../grammar-error.ts";
import { limits } from "../limits.ts";
import type { NextRequest, OpenRequest, ThreadData } from "./protocol.ts";

interface Grammar extends ReadyGrammar {
  users: number;
}

interface OpenMatcher {
  readonly grammar: Grammar;
  text: TextMatcher;
  /** Once it has been given a token that was not allowed. */
  error: unknown;
}

/** The matchers of one thread, and the grammars that they share. */
export class MatcherHost {
  readonly words: number;
  readonly #data: ThreadData;
  readonly #trie: TokenTrie;
  readonly #eosIds: ReadonlySet<number>;
  readonly #cache: MaskCache;
  readonly #common = new CommonAutomatons();
  /** By format; the least recently used one first. */
  readonly #grammars = new Map<string, Grammar>();
  readonly #matchers = new Map<number, OpenMatcher>();

  constructor(data: ThreadData) {
    this.words = Math.ceil(data.vocabSize / 32);
    this.#data = data;
    this.#trie = new TokenTrie(data);
    this.#eosIds = new Set(data.eosIds);
    this.#cache = new MaskCache(data.cacheBytes);
  }

  /** Throws `GrammarError`. */
  open({ matcher, format, milliseconds, ids }: OpenRequest): void {
    const grammar = this.#grammar(format, milliseconds);
    const opened: OpenMatcher = { grammar, text: this.#begin(grammar), error: undefined };
    grammar.users++;
    this.#matchers.set(matcher, opened);
    accept(opened, ids);
    this.#dropIdle();
  }

  /** Fills a mask of zeros; true when only stop tokens may follow. Throws `GrammarError`. */
  next({ matcher, ids, anew }: NextRequest, mask: Uint32Array): boolean {
    const opened = this.#matchers.get(matcher);
    if (opened === undefined) throw new GrammarError("disposed", "the matcher was disposed of");
    if (anew) {
      opened.text = this.#begin(opened.grammar);
      opened.error = undefined;
    }
    accept(opened, ids);
    if (opened.error !== undefined) throw opened.error;
    return opened.text.fill(mask);
  }

  close(matcher: number): void {
    const opened = this.#matchers.get(matcher);
    if (opened === undefined) return;
    opened.grammar.users--;
    this.#matchers.delete(matcher);
    this.#dropIdle();
  }

  /** Keeps memory within bounds; to be called now and then. */
  trim(): void {
    let states = 0;
    for (const { automaton } of this.#grammars.values()) states += automaton.size;
    for (const { automaton } of this.#grammars.values()) {
      if (states <= limits.statesOfThread) return;
      states -= automaton.size;
      automaton.forget();
    }
  }

  #grammar(format: FormatText, milliseconds: number): Grammar {
    const key = format.type === "json-object" ? "" : format.text;
    const known = this.#grammars.get(key);
    this.#grammars.delete(key);
    const grammar = known ?? this.#compiled(format, milliseconds);
    this.#grammars.set(key, grammar);
    return grammar;
  }

  #compiled(format: FormatText, milliseconds: number): Grammar {
    const automaton = new LazyAutomaton(compiledGrammar(format, this.#common, milliseconds));
    return { automaton, masks: new TokenMasks(automaton, this.#trie, this.words, this.#cache), users: 0 };
  }

  #begin(grammar: Grammar): TextMatcher {
    return new TextMatcher(grammar, this.#trie, this.#eosIds);
  }

  #dropIdle(): void {
    const idle = [...this.#grammars].filter(([, { users }]) => users === 0);
    const surplus = Math.max(0, idle.length - this.#data.idleGrammars);
    for (const [key] of idle.slice(0, surplus)) this.#grammars.delete(key);
  }
}

function accept(matcher: OpenMatcher, ids: readonly number[]): void {
  try {
    if (matcher.error === undefined) for (const id of ids) matcher.text.accept(id);
  } catch (error) {
    matcher.error = error;
  }
}
