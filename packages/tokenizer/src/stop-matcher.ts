import { TokenizerOptionError } from "./errors.ts";

/** Searches a stream of text for the first of several strings (Knuth, Morris, Pratt), one code unit at a time. */
export class StopMatcher {
  readonly #stops: readonly string[];
  /** For each stop and each length of a matched prefix: the longest shorter prefix that is also its suffix. */
  readonly #fallbacks: readonly Int32Array[];
  /** How much of each stop the end of the text matches. */
  readonly #matched: Int32Array;

  /** @throws TokenizerOptionError for a stop that is not a non-empty string of whole code points. */
  constructor(stops: readonly string[]) {
    for (const stop of stops) {
      if (typeof stop !== "string" || stop === "" || /\p{Surrogate}/u.test(stop)) {
        throw new TokenizerOptionError(`stop: expected non-empty strings, received ${JSON.stringify(stop)}`);
      }
    }
    this.#stops = stops;
    this.#fallbacks = stops.map(fallbacks);
    this.#matched = new Int32Array(stops.length);
  }

  /** How many code units at the end of the text so far may still become a stop. */
  get held(): number {
    return this.#matched.reduce((most, length) => Math.max(most, length), 0);
  }

  /**
   * Goes on with `text`. Where a stop is complete, the search ends: the answer is the stop and how many code
   * units of `text` it took. Of stops that end at the same place the longest wins.
   */
  push(text: string): { stop: string; end: number } | undefined {
    if (this.#stops.length === 0) return undefined;
    for (let at = 0; at < text.length; at++) {
      let found: string | undefined;
      for (const [i, stop] of this.#stops.entries()) {
        const length = this.#advance(i, stop, text.charCodeAt(at));
        if (length === stop.length && stop.length > (found?.length ?? 0)) found = stop;
      }
      if (found !== undefined) return { stop: found, end: at + 1 };
    }
    return undefined;
  }

  #advance(i: number, stop: string, unit: number): number {
    let length = this.#matched[i]!;
    while (length > 0 && stop.charCodeAt(length) !== unit) length = this.#fallbacks[i]![length]!;
    if (stop.charCodeAt(length) === unit) length++;
    this.#matched[i] = length;
    return length;
  }
}

function fallbacks(stop: string): Int32Array {
  const table = new Int32Array(stop.length + 1);
  let length = 0;
  for (let at = 1; at < stop.length; at++) {
    while (length > 0 && stop[length] !== stop[at]) length = table[length]!;
    if (stop[length] === stop[at]) length++;
    table[at + 1] = length;
  }
  return table;
}
