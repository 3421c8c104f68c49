import fc from "fast-check";
import { expect, it } from "vitest";
import {
  NaivePrefixTree,
  PagePool,
  type PrefixHandle,
  type PrefixRetention,
  type PrefixTree,
  type PrefixTreeOptions,
  RadixPrefixTree,
} from "../src/index.ts";

const pageTokens = 2;
const blockPages = 2;

/** Few different tokens, so that prompts often share a prefix and part in the middle of a block. */
const tokens = fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 12 });
const namespace = fc.constantFrom("a", "b");
/** Times count from an operation's own: one passes from each to the next. */
const past = fc.integer({ min: -3, max: 0 });
const keep = fc.option(
  fc.record(
    { priority: fc.constantFrom(0, 1, 50, 99), until: fc.integer({ min: -1, max: 30 }), now: past },
    { requiredKeys: ["priority", "until"] },
  ),
  { nil: undefined },
);
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("insert"), namespace, tokens, keep }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("match"), namespace, tokens, keep }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("hold"), namespace, tokens, which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("letGo"), which: fc.nat() }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("evict"),
      pages: fc.integer({ min: 0, max: 9 }),
      now: fc.option(past, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("lost"), namespace, tokens }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("forget"), namespace }) },
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
  keep?: PrefixRetention | undefined;
  now?: number | undefined;
}

/** One tree with a pool of its own. It answers in tokens and counts, since page ids may differ between twins. */
class Subject {
  readonly tree: PrefixTree;
  readonly #pool = new PagePool({ pages: 800 });
  readonly #handles: PrefixHandle[] = [];
  /** Pages of matched blocks, as a sequence holds them that may have let go of some heads' pages. */
  readonly #held: number[][] = [];
  /** What a page holds: its namespace and all tokens up to its end. */
  readonly #contents = new Map<number, string>();

  constructor(create: (options: PrefixTreeOptions) => PrefixTree) {
    this.tree = create({ pool: this.#pool, pageTokens, blockPages, retainedPages: 11, lostBlocks: 6 });
  }

  apply(
    { kind, namespace = "", tokens = [], which = 0, pages = 0, keep, now }: Operation,
    at: number,
  ): unknown {
    if (kind === "insert")
      return this.#insert(
        namespace,
        tokens.slice(0, tokens.length - (tokens.length % pageTokens)),
        from(at, keep),
      );
    if (kind === "match") return this.#match(namespace, tokens, from(at, keep));
    if (kind === "hold") return this.#hold(namespace, tokens, which);
    if (kind === "letGo") return this.#release(this.#held.splice(which % (this.#held.length + 1), 1).flat());
    if (kind === "evict") return this.#evict(pages, now === undefined ? now : at + now);
    if (kind === "lost") return this.tree.lost(namespace, tokens);
    if (kind === "forget") return this.tree.forget(namespace);
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
    const { cachedPages, lockedPages, retainedPages } = this.tree;
    return [cachedPages, lockedPages, retainedPages, this.tree.evictablePages(), this.#pool.freePages];
  }

  /** Everything that is stored, as entries and as whole prompts; no block twice. */
  stored(): unknown {
    const prompt: number[] = [];
    const listed: unknown[] = [];
    let pages = 0;
    for (const { namespace, commonTokens, tokens, blocks } of this.tree.entries()) {
      prompt.splice(commonTokens, Number.POSITIVE_INFINITY, ...tokens);
      blocks.forEach((block, i) => {
        const content = contentOf(namespace, prompt, commonTokens / pageTokens + i);
        for (const page of block) expect(this.#contents.get(page)).toBe(content);
        pages += block.length;
      });
      listed.push([namespace, commonTokens, ...prompt]);
    }
    expect(pages).toBe(this.tree.cachedPages);
    return listed;
  }

  #insert(namespace: string, tokens: number[], keep: PrefixRetention | undefined): unknown {
    const blocks = Array.from({ length: tokens.length / pageTokens }, () => this.#pool.allocate(blockPages));
    blocks.forEach((block, i) => {
      for (const page of block) this.#contents.set(page, contentOf(namespace, tokens, i));
    });
    const { newBlocks, handle } = this.tree.insert(namespace, tokens, blocks, keep);
    this.#release(blocks.flatMap((block) => [...block]));
    this.#handles.push(handle);
    return newBlocks;
  }

  #match(namespace: string, tokens: number[], keep?: PrefixRetention): unknown {
    const match = this.tree.match(namespace, tokens, keep);
    match.blocks.forEach((block, i) => {
      for (const page of block) expect(this.#contents.get(page)).toBe(contentOf(namespace, tokens, i));
    });
    this.#handles.push(match.handle);
    const partial = match.partial && [match.partial.tokens, this.#contents.get(match.partial.block[0]!)];
    return [match.tokens, match.handle.tokens, partial];
  }

  /** Holds all pages of a match, or those whose bits are set in `which`, in turns of 16. */
  #hold(namespace: string, tokens: number[], which: number): void {
    const pages = this.tree.match(namespace, tokens).blocks.flatMap((block) => [...block]);
    const held = pages.filter((_, i) => which % 3 > 0 || (which >> (i % 16)) & 1);
    for (const page of held) this.#pool.retain(page);
    this.#held.push(held);
  }

  #evict(pages: number, now: number | undefined): unknown {
    const evictable = this.tree.evictablePages();
    const freed = this.tree.evict(pages, now);
    expect(freed).toBeLessThanOrEqual(evictable);
    if (freed < pages) expect(freed).toBe(evictable);
    return freed;
  }

  #release(pages: readonly number[]): void {
    for (const page of pages) this.#pool.release(page);
  }
}

function from(at: number, keep: PrefixRetention | undefined): PrefixRetention | undefined {
  if (!keep) return undefined;
  const { priority, until, now } = keep;
  return { priority, until: at + until, ...(now !== undefined && { now: at + now }) };
}

function contentOf(namespace: string, tokens: readonly number[], block: number): string {
  return `${namespace}:${tokens.slice(0, (block + 1) * pageTokens)}`;
}

it("both trees give the same answers and evict in the same order, whatever is done to them", () => {
  fc.assert(
    fc.property(fc.array(operation, { minLength: 30, maxLength: 100 }), (operations) => {
      const naive = new Subject((options) => new NaivePrefixTree(options));
      const radix = new Subject((options) => new RadixPrefixTree(options));
      for (const [at, operation] of operations.entries()) {
        expect(radix.apply(operation, at), JSON.stringify(operation)).toEqual(naive.apply(operation, at));
        expect(radix.state(), JSON.stringify(operation)).toEqual(naive.state());
        expect(radix.stored(), JSON.stringify(operation)).toEqual(naive.stored());
      }
    }),
    { numRuns: 200 },
  );
});
