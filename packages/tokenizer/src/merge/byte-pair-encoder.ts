import { TokenizerTextError } from "../errors.ts";
import { BYTE_TO_CHAR, toByteLevel } from "./byte-level.ts";
import { MergeRun } from "./merge-run.ts";
import { PlainEncoder, STEPS_BETWEEN_YIELDS } from "./plain-encoder.ts";

/** Two symbols as one key of a map: exact while symbols stay below 2^26. */
const PAIR = 2 ** 26;
const SHORT_WORD = 24;
/** Learning as many takes about a millisecond. */
const MERGES_BETWEEN_YIELDS = 1024;

/** Byte-level BPE (Radford et al. 2019): words from a pre-tokenizer, their bytes joined by ranked merges. */
export class BytePairEncoder extends PlainEncoder {
  readonly #split: (text: string) => Iterable<string>;
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #wholeWords: boolean;
  readonly #unknownId: number | undefined;
  /** Spellings of symbols that merges make but no token has, by symbol minus `#firstExtra`. */
  readonly #extra: string[] = [];
  readonly #firstExtra: number;
  /** The same symbols by their spelling, while merges are learnt. */
  readonly #extraSymbols = new Map<string, number>();
  readonly #byteSymbols: Int32Array;
  readonly #ranks = new Map<number, number>();
  #joined = new Int32Array(0);

  /**
   * Knows no merges yet: `learn` teaches them.
   *
   * @param vocabulary Plain tokens in the byte-level alphabet; special tokens must not be among them.
   * @param wholeWords A word that is a token becomes it without merging (`ignore_merges`).
   * @param unknownId Stands for a byte that has no token; without it such a byte is a `TokenizerTextError`.
   */
  constructor(options: {
    split: (text: string) => Iterable<string>;
    vocabulary: ReadonlyMap<string, number>;
    vocabSize: number;
    wholeWords: boolean;
    unknownId: number | undefined;
  }) {
    super();
    this.#split = options.split;
    this.#vocabulary = options.vocabulary;
    this.#wholeWords = options.wholeWords;
    this.#unknownId = options.unknownId;
    this.#firstExtra = options.vocabSize;
    this.#byteSymbols = Int32Array.from(BYTE_TO_CHAR, (char) => this.#symbol(char));
  }

  /**
   * Takes the merges over; to be called once, and run to its end before anything is encoded. Yields between slices.
   *
   * @param merges Pairs `left right`, best first; the space is the first one after the first character.
   */
  *learn(merges: readonly string[]): Generator<void, void> {
    this.#joined = new Int32Array(merges.length);
    for (const [rank, merge] of merges.entries()) {
      const space = merge.indexOf(" ", 1);
      const left = merge.slice(0, space);
      const right = merge.slice(space + 1);
      const pair = this.#symbol(left) * PAIR + this.#symbol(right);
      if (!this.#ranks.has(pair)) this.#ranks.set(pair, rank);
      this.#joined[rank] = this.#symbol(left + right);
      if (rank % MERGES_BETWEEN_YIELDS === 0) yield;
    }
    this.#extraSymbols.clear();
  }

  #symbol(spelling: string): number {
    const known = this.#vocabulary.get(spelling) ?? this.#extraSymbols.get(spelling);
    if (known !== undefined) return known;
    const fresh = this.#firstExtra + this.#extra.push(spelling) - 1;
    this.#extraSymbols.set(spelling, fresh);
    return fresh;
  }

  protected override words(text: string): Iterable<string> {
    return this.#split(text);
  }

  protected override *encodeWord(word: string, ids: number[]): Generator<void, void> {
    if (this.#wholeWords) {
      const whole = this.#vocabulary.get(toByteLevel(word));
      if (whole !== undefined) {
        ids.push(whole);
        return;
      }
    }
    const bytes = Buffer.from(word, "utf8");
    if (bytes.length > SHORT_WORD) {
      yield* this.#joinLong(bytes, ids);
      return;
    }
    const symbols = Array.from(bytes, (byte) => this.#byteSymbols[byte]!);
    this.#joinShort(symbols);
    for (const symbol of symbols) this.#push(symbol, ids);
  }

  /** For the usual short word: look for the best pair, join it, look again. */
  #joinShort(symbols: number[]): void {
    for (;;) {
      let best = Number.POSITIVE_INFINITY;
      let at = -1;
      for (let i = 0; i + 1 < symbols.length; i++) {
        const rank = this.#ranks.get(symbols[i]! * PAIR + symbols[i + 1]!);
        if (rank !== undefined && rank < best) {
          best = rank;
          at = i;
        }
      }
      if (at < 0) return;
      symbols.splice(at, 2, this.#joined[best]!);
    }
  }

  *#joinLong(bytes: Buffer, ids: number[]): Generator<void, void> {
    const symbols = Int32Array.from(bytes);
    for (let i = 0; i < symbols.length; i++) symbols[i] = this.#byteSymbols[symbols[i]!]!;
    const rank = (left: number, right: number) =>
      this.#ranks.get(symbols[left]! * PAIR + symbols[right]!) ?? Number.POSITIVE_INFINITY;
    const run = new MergeRun(symbols.length, {
      cost: rank,
      join: (left, right) => {
        symbols[left] = this.#joined[rank(left, right)]!;
      },
    });
    while (!run.advance(STEPS_BETWEEN_YIELDS)) yield;
    let work = 0;
    for (const i of run.symbols()) {
      this.#push(symbols[i]!, ids);
      if (++work % STEPS_BETWEEN_YIELDS === 0) yield;
    }
  }

  #push(symbol: number, ids: number[]): void {
    if (symbol < this.#firstExtra) {
      ids.push(symbol);
      return;
    }
    for (const char of this.#extra[symbol - this.#firstExtra]!) {
      const id = this.#vocabulary.get(char) ?? this.#unknownId;
      if (id === undefined)
        throw new TokenizerTextError(`text: the vocabulary has no token for the byte "${char}"`);
      ids.push(id);
    }
  }
}
