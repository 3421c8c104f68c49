const LONGEST_WORD = 48;
const MOST_WORDS = 2 ** 15;

/** Ids of words seen before. Long words are not kept, and a full cache starts anew, so memory is bounded. */
export class WordCache {
  readonly #ids = new Map<string, readonly number[]>();

  get(word: string): readonly number[] | undefined {
    return this.#ids.get(word);
  }

  set(word: string, ids: readonly number[]): void {
    if (word.length > LONGEST_WORD) return;
    if (this.#ids.size >= MOST_WORDS) this.#ids.clear();
    this.#ids.set(word, ids);
  }
}
