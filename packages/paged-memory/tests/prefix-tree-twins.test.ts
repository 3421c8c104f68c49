import fc from "fast-check";
import { expect, it } from "vitest";
import {
  NaivePrefixTree,
  PagePool,
  type PrefixHandle,
  type PrefixTree,
  type PrefixTreeOptions,
  RadixPrefixTree,
} from "../src/index.ts";

const pageTokens = 2;
const blockPages = 2;

/** Few different tokens, so that prompts often share a prefix and part in the middle of a block. */
const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 12 });
const namespace = fc.constantFrom("a", "b");
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("insert"), namespace, tokens }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("match"), namespace, tokens }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hold"), namespace, tokens }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("letGo"), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("evict"), pages: fc.integer({ min: 0, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lock"), which: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("unlock"), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("reset") }) },
);
interface Operation {
  kind: string;
  namespace?: string;
  tokens?: number[];
  which?: number;
  pages?: number;
}

/** One tree with a pool of its own. It answers in tokens and counts, since page ids may differ between twins. */
class Subject {
  readonly tree: PrefixTree;
  readonly #pool = new PagePool({ pages: 800 });
  readonly #handles: PrefixHandle[] = [];
  readonly #held: Int32Array[][] = [];
  /** What a page holds: its namespace and all tokens up to its end. */
  readonly #contents = new Map<number, string>();

  constructor(create: (options: PrefixTreeOptions) => PrefixTree) {
    this.tree = create({ pool: this.#pool, pageTokens, blockPages });
  }

  apply({ kind, namespace = "", tokens = [], which = 0, pages = 0 }: Operation): unknown {
    if (kind === "insert")
      return this.#insert(namespace, tokens.slice(0, tokens.length - (tokens.length % pageTokens)));
    if (kind === "match" || kind === "hold") return this.#match(namespace, tokens, kind === "hold");
    if (kind === "letGo") return this.#release(this.#held.splice(which % (this.#held.length + 1), 1).flat());
    if (kind === "evict") return this.#evict(pages);
    if (kind === "reset") return this.tree.reset();
    const handle = this.#handles[which % (this.#handles.length + 1)];
    try {
      if (handle && kind === "lock") this.tree.lock(handle);
      if (handle && kind === "unlock") this.tree.unlock(handle);
      return undefined;
    } catch (error) {
      return String(error);
    }
  }

  state(): unknown {
    this.tree.checkIntegrity();
    return [this.tree.cachedPages, this.tree.lockedPages, this.tree.evictablePages(), this.#pool.freePages];
  }

  #insert(namespace: string, tokens: number[]): unknown {
    const blocks = Array.from({ length: tokens.length / pageTokens }, () => this.#pool.allocate(blockPages));
    blocks.forEach((block, i) => {
      for (const page of block) this.#contents.set(page, contentOf(namespace, tokens, i));
    });
    const { newBlocks, handle } = this.tree.insert(namespace, tokens, blocks);
    this.#release(blocks);
    this.#handles.push(handle);
    return newBlocks;
  }

  #match(namespace: string, tokens: number[], hold: boolean): unknown {
    const match = this.tree.match(namespace, tokens);
    match.blocks.forEach((block, i) => {
      for (const page of block) expect(this.#contents.get(page)).toBe(contentOf(namespace, tokens, i));
    });
    this.#handles.push(match.handle);
    if (hold) {
      for (const block of match.blocks) for (const page of block) this.#pool.retain(page);
      this.#held.push([...match.blocks]);
    }
    const partial = match.partial && [match.partial.tokens, this.#contents.get(match.partial.block[0]!)];
    return [match.tokens, match.handle.tokens, partial];
  }

  #evict(pages: number): unknown {
    const evictable = this.tree.evictablePages();
    const freed = this.tree.evict(pages);
    expect(freed).toBeLessThanOrEqual(evictable);
    if (freed < pages) expect(freed).toBe(evictable);
    return freed;
  }

  #release(blocks: readonly Int32Array[]): void {
    for (const block of blocks) for (const page of block) this.#pool.release(page);
  }
}

function contentOf(namespace: string, tokens: readonly number[], block: number): string {
  return `${namespace}:${tokens.slice(0, (block + 1) * pageTokens)}`;
}

it("both trees give the same answers and evict in the same order, whatever is done to them", () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 30, maxLength: 100 }), (operations) => {
      const naive = new Subject((options) => new NaivePrefixTree(options));
      const radix = new Subject((options) => new RadixPrefixTree(options));
      for (const operation of operations) {
        expect(radix.apply(operation), JSON.stringify(operation)).toEqual(naive.apply(operation));
        expect(radix.state(), JSON.stringify(operation)).toEqual(naive.state());
      }
    }),
    { numRuns: 300 },
  );
});
