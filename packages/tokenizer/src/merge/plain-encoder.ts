import { WordCache } from "./word-cache.ts";

/** Steps of work between two yields: well under 10 ms. */
export const STEPS_BETWEEN_YIELDS = 4096;

/** Turns text without special tokens into ids, word by word, so that a caller may let the event loop run. */
export abstract class PlainEncoder {
  readonly #cache = new WordCache();

  /**
   * Appends the ids of `text` to `ids`. Yields after every few thousand steps of work.
   * @param first Whether the text begins a sequence or follows an added token.
   */
  *encode(text: string, ids: number[], first: boolean): Generator<void, void> {
    let work = 0;
    for (const word of this.words(text, first)) {
      const cached = this.#cache.get(word);
      if (cached !== undefined) {
        for (const id of cached) ids.push(id);
        work += 1;
      } else {
        const start = ids.length;
        yield* this.encodeWord(word, ids);
        this.#cache.set(word, ids.slice(start));
        work += word.length;
      }
      if (work > STEPS_BETWEEN_YIELDS) {
        work = 0;
        yield;
      }
    }
  }

  /** Words of the text that are encoded each on its own. */
  protected abstract words(text: string, first: boolean): Iterable<string>;

  /** Appends the ids of one word, whatever its length. */
  protected abstract encodeWord(word: string, ids: number[]): Generator<void, void>;
}
