import type { PrefixRetention } from "./prefix-tree.ts";

/** A block of the naive tree: it knows all tokens up to its end, and every wish that was ever granted it. */
export class NaiveBlock {
  readonly namespace: string;
  /** All tokens up to and including this block's. */
  readonly tokens: readonly number[];
  readonly pages: Int32Array;
  readonly wishes: PrefixRetention[] = [];
  lastUse = 0;
  locks = 0;

  constructor(namespace: string, tokens: readonly number[], pages: Int32Array) {
    this.namespace = namespace;
    this.tokens = tokens;
    this.pages = pages;
  }

  get name(): string {
    return JSON.stringify([this.namespace, this.tokens]);
  }

  priority(now: number): number {
    return this.wishes.reduce(
      (most, { priority, until }) => (until > now ? Math.max(most, priority) : most),
      0,
    );
  }

  isPrefixOf(namespace: string, tokens: readonly number[]): boolean {
    return this.namespace === namespace && commonLength(this.tokens, tokens) === this.tokens.length;
  }
}

/** How many leading tokens two lists have in common. */
export function commonLength(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}

/** Lexicographic order of two lists of equal length. */
export function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const at = commonLength(a, b);
  return at < a.length && a[at]! < b[at]!;
}
