/**
 * Which of the last so many blocks that were evicted are still missing, as hashes of a namespace and all tokens up to the
 * block's end. Two prefixes may have one hash (53 bits), so an answer may explain, never decide.
 */
export class LostPrefixes {
  /** A ring, in the order of loss; NaN where the block is stored again, or was lost again later. */
  readonly #hashes: Float64Array;
  /** Where each hash is in the ring. */
  readonly #places = new Map<number, number>();
  #next = 0;

  constructor(most: number) {
    this.#hashes = new Float64Array(most).fill(Number.NaN);
  }

  add(hash: number): void {
    if (this.#hashes.length === 0) return;
    this.delete(hash);
    this.delete(this.#hashes[this.#next]!);
    this.#hashes[this.#next] = hash;
    this.#places.set(hash, this.#next);
    this.#next = (this.#next + 1) % this.#hashes.length;
  }

  delete(hash: number): void {
    const place = this.#places.get(hash);
    if (place === undefined) return;
    this.#hashes[place] = Number.NaN;
    this.#places.delete(hash);
  }

  has(hash: number): boolean {
    return this.#places.has(hash);
  }
}

/** Where the hashes of a namespace start. */
export function hashNamespace(namespace: string): number {
  return extend(0, namespace.length, (i) => namespace.charCodeAt(i));
}

/** The hash of what `hash` stands for and `tokens[at..at + length - 1]` behind it. */
export function hashTokens(hash: number, tokens: ArrayLike<number>, at: number, length: number): number {
  return extend(hash, length, (i) => tokens[at + i]!);
}

const LOW = 2 ** 26;

/** Two lanes of multiply and rotate with the constants of MurmurHash3 (Appleby 2011, public domain). */
function extend(hash: number, length: number, value: (i: number) => number): number {
  let high = Math.floor(hash / LOW);
  let low = hash % LOW;
  for (let i = 0; i < length; i++) {
    const word = value(i);
    high = Math.imul(rotate(high ^ Math.imul(word, 0xcc9e2d51), 13), 5) + 0x1b873593;
    low = Math.imul(rotate(low ^ Math.imul(word, 0x85ebca6b), 15), 9) + 0xe6546b64 + high;
  }
  high = mix(high ^ length);
  low = mix(low ^ high);
  return (high >>> 5) * LOW + (low >>> 6);
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function mix(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
