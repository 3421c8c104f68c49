import { checkedFormat, textOf } from "./checked-format.ts";
import { GrammarError } from "./grammar-error.ts";
import type { JsonFormat } from "./json-format.ts";
import { Matcher } from "./matcher.ts";
import { GrammarThread } from "./thread/grammar-thread.ts";
import type { ThreadData } from "./thread/protocol.ts";
import { packedVocabulary, type Vocabulary } from "./vocabulary.ts";

export interface GrammarsOptions extends Vocabulary {
  /** Worker threads, [1, 16]; default 1. Each has the vocabulary once. */
  readonly workers?: number;
  /** Bytes of masks that each thread keeps, [1 MiB, 4 GiB]; default 64 MiB. */
  readonly cacheBytes?: number;
  /** Compiled formats that each thread keeps while nobody uses them, [0, 1,024]; default 32. */
  readonly idleGrammars?: number;
  /** MiB of objects that each thread may have, [64, 16,384]; default 512. A thread that needs more is replaced. */
  readonly memoryMb?: number;
}

export interface CompileOptions {
  /** Its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** [1, 600,000]; default 10,000. From when a thread turns to it. */
  readonly timeoutMs?: number | undefined;
}

const MIB = 1024 * 1024;

/**
 * Formats as masks over one vocabulary. Threads are started by the first `compile`, and never keep a process alive
 * that waits for nothing of them.
 */
export class Grammars {
  readonly #options: GrammarsOptions;
  readonly #threads: readonly GrammarThread[];
  #data: Promise<ThreadData> | undefined;
  #matchers = 0;
  #isDisposed = false;

  /** Throws `RangeError` that names the option. */
  constructor(options: GrammarsOptions) {
    checkRange("vocabSize", options.vocabSize, 1, 2 ** 24);
    for (const id of options.eosIds) checkRange("eosIds", id, 0, options.vocabSize - 1);
    const workers = checkRange("workers", options.workers ?? 1, 1, 16);
    const memoryMb = checkRange("memoryMb", options.memoryMb ?? 512, 64, 16_384);
    checkRange("cacheBytes", options.cacheBytes ?? 64 * MIB, MIB, 4096 * MIB);
    checkRange("idleGrammars", options.idleGrammars ?? 32, 0, 1_024);
    this.#options = options;
    this.#threads = Array.from({ length: workers }, () => new GrammarThread(() => this.#packed(), memoryMb));
  }

  /**
   * A matcher at the beginning of a text of the format. Everything is checked here: a matcher never fails for what a
   * schema says. Throws `GrammarError`, or the signal's reason.
   */
  async compile(format: JsonFormat, { signal, timeoutMs = 10_000 }: CompileOptions = {}): Promise<Matcher> {
    signal?.throwIfAborted();
    if (this.#isDisposed) throw new GrammarError("disposed", "the grammars were disposed of");
    checkRange("timeoutMs", timeoutMs, 1, 600_000);
    const text = checkedFormat(format);
    const thread = this.#threadFor(textOf(text));
    const id = this.#matchers++;
    await thread.open(id, text, timeoutMs, signal);
    return new Matcher(thread, id);
  }

  /** Ends the threads. What is under way fails with `disposed`. */
  async dispose(): Promise<void> {
    this.#isDisposed = true;
    await Promise.all(this.#threads.map((thread) => thread.dispose()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** One that has the format already, or else the one with the fewest matchers. */
  #threadFor(text: string | undefined): GrammarThread {
    const known = this.#threads.find((thread) => thread.has(text));
    return known ?? this.#threads.reduce((least, thread) => (thread.size < least.size ? thread : least));
  }

  #packed(): Promise<ThreadData> {
    const { vocabSize, eosIds, cacheBytes = 64 * MIB, idleGrammars = 32 } = this.#options;
    this.#data ??= packedVocabulary(this.#options).then((packed) => {
      return { vocabSize, eosIds: [...eosIds], cacheBytes, idleGrammars, ...packed };
    });
    return this.#data;
  }
}

function checkRange(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new RangeError(`${name}: expected an integer from ${least} to ${most}, received ${value}`);
}
