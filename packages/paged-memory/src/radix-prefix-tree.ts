import { requireInteger } from "./errors.ts";
import { IndexedHeap } from "./indexed-heap.ts";
import { hashNamespace, hashTokens, LostPrefixes } from "./lost-prefixes.ts";
import { PrefixHandles } from "./prefix-handles.ts";
import type {
  PrefixEntry,
  PrefixHandle,
  PrefixInsertion,
  PrefixMatch,
  PrefixRetention,
  PrefixTree,
  PrefixTreeOptions,
} from "./prefix-tree.ts";
import { RadixBlock, RadixCensus } from "./radix-block.ts";
import { entriesOf } from "./radix-entries.ts";
import { checkRadixTree } from "./radix-integrity.ts";
import { RetainedBlocks } from "./retained-blocks.ts";
import { StoredPages } from "./stored-pages.ts";

/**
 * A radix tree whose edges are blocks of tokens, after SGLang's RadixAttention (Zheng et al. 2023, arXiv 2312.07104).
 * The pool tells the blocks who shares their pages, so nothing is ever searched for: `match`, `insert` and `lock` take
 * time by the blocks of their path, `evict` by the blocks that it drops times log(leaves), `evictablePages` none.
 */
export class RadixPrefixTree implements PrefixTree {
  readonly #pages: StoredPages;
  readonly #handles = new PrefixHandles<RadixBlock>();
  /** One root per namespace that has blocks. */
  readonly #roots = new Map<string, RadixBlock>();
  readonly #census = new RadixCensus();
  /** The blocks that can go, the least valuable first. */
  readonly #leaves = new IndexedHeap<RadixBlock>((a, b) =>
    a.priority === b.priority ? a.lastUse < b.lastUse : a.priority < b.priority,
  );
  readonly #retained: RetainedBlocks;
  readonly #lost: LostPrefixes;
  #clock = 0;

  constructor(options: PrefixTreeOptions) {
    this.#pages = new StoredPages(options);
    this.#retained = new RetainedBlocks(this.#pages.retainedBlocks, (block) => this.#place(block));
    this.#lost = new LostPrefixes(this.#pages.lostBlocks);
  }

  get pageTokens(): number {
    return this.#pages.pageTokens;
  }

  get blockPages(): number {
    return this.#pages.blockPages;
  }

  get cachedPages(): number {
    return this.#pages.count;
  }

  get lockedPages(): number {
    return this.#census.lockedBlocks * this.blockPages;
  }

  get retainedPages(): number {
    return this.#retained.size * this.blockPages;
  }

  match(namespace: string, tokens: ArrayLike<number>, keep?: PrefixRetention): PrefixMatch {
    this.#pages.checkRetention(keep);
    const block = this.#find(namespace, tokens);
    const path = this.#use(block, keep);
    const closest = block.closestChild(tokens, block.end, this.pageTokens);
    return {
      tokens: block.end,
      blocks: path.map(({ pages }) => pages),
      handle: this.#handles.create(block.end, block),
      ...(closest && { partial: { block: closest.child.pages, tokens: closest.common } }),
    };
  }

  insert(
    namespace: string,
    tokens: ArrayLike<number>,
    blocks: readonly Int32Array[],
    keep?: PrefixRetention,
  ): PrefixInsertion {
    this.#pages.checkShapes(tokens, blocks);
    this.#pages.checkRetention(keep);
    let block = this.#find(namespace, tokens);
    const fresh = blocks.slice(block.end / this.pageTokens);
    this.#pages.checkNew(fresh);
    const ids = new Int32Array(tokens);
    for (const pages of fresh) block = this.#add(block, ids, pages);
    this.#use(block, keep);
    return { newBlocks: fresh.length, handle: this.#handles.create(block.end, block) };
  }

  lock(handle: PrefixHandle): void {
    const block = this.#handles.lock(handle, ({ isStored }) => isStored);
    block.lock();
    this.#place(block);
  }

  unlock(handle: PrefixHandle): void {
    const block = this.#handles.unlock(handle);
    block.unlock();
    this.#place(block);
  }

  evict(pagesWanted: number, now: number = this.#retained.now): number {
    requireInteger("pagesWanted", pagesWanted, 0);
    this.#pages.checkTime("now", now);
    this.#retained.advance(now);
    const useless: RadixBlock[] = [];
    let freed = 0;
    while (freed < pagesWanted && this.#census.evictablePages > 0) {
      const block = this.#leaves.first()!;
      if (block.leadsToUnsharedPages()) {
        freed += this.#drop(block);
        this.#lost.add(block.hash);
      } else {
        this.#leaves.delete(block);
        useless.push(block);
      }
    }
    for (const block of useless) this.#place(block);
    return freed;
  }

  evictablePages(): number {
    return this.#census.evictablePages;
  }

  lost(namespace: string, tokens: ArrayLike<number>): number {
    const { pageTokens } = this;
    const { end, hash } = this.#find(namespace, tokens);
    let at = end;
    let key = hash;
    while (at + pageTokens <= tokens.length) {
      key = hashTokens(key, tokens, at, pageTokens);
      if (!this.#lost.has(key)) break;
      at += pageTokens;
    }
    return at - end;
  }

  entries(): Iterable<PrefixEntry> {
    return entriesOf(this.#roots.values(), (block) => this.#handles.create(block.end, block));
  }

  forget(namespace: string): number {
    const root = this.#roots.get(namespace);
    if (!root) return 0;
    const unlocked = root.behind().filter(({ locks }) => locks === 0);
    for (const block of unlocked.reverse()) this.#drop(block);
    return unlocked.length;
  }

  reset(): number {
    return [...this.#roots.keys()].reduce((dropped, namespace) => dropped + this.forget(namespace), 0);
  }

  countReferences(counts: Int32Array): void {
    for (const root of this.#roots.values())
      for (const { pages } of root.behind()) for (const page of pages) counts[page]! += 1;
  }

  checkIntegrity(): void {
    const { cachedPages, lockedPages, retainedPages } = this;
    const counted = { cachedPages, lockedPages, retainedPages, evictablePages: this.evictablePages() };
    checkRadixTree(this.#roots.values(), this.#leaves, this.#pages, counted);
  }

  /** Where the longest cached prefix of whole blocks ends. */
  #find(namespace: string, tokens: ArrayLike<number>): RadixBlock {
    const { pageTokens } = this;
    let block = this.#roots.get(namespace) ?? newRoot(namespace);
    while (block.end + pageTokens <= tokens.length) {
      const child = block.child(tokens, block.end, pageTokens);
      if (!child) break;
      block = child;
    }
    return block;
  }

  /** Puts pages behind a block for the tokens that come next. */
  #add(parent: RadixBlock, tokens: Int32Array, pages: Int32Array): RadixBlock {
    const { end, namespace } = parent;
    const own = tokens.slice(end, end + this.pageTokens);
    const hash = hashTokens(parent.hash, own, 0, own.length);
    const block = new RadixBlock({ namespace, parent, hash }, own, pages.slice(), this.#census);
    this.#pages.retain(block.pages, block);
    this.#lost.delete(hash);
    parent.adopt(block);
    if (parent.isRoot) this.#roots.set(parent.namespace, parent);
    this.#place(parent);
    return block;
  }

  /** Drops a block behind which is none; returns how many pages are free by that. */
  #drop(block: RadixBlock): number {
    const parent = block.parent!;
    block.detach();
    this.#retained.delete(block);
    this.#leaves.delete(block);
    this.#place(parent);
    if (parent.isRoot && parent.children.length === 0) this.#roots.delete(parent.namespace);
    return this.#pages.release(block.pages, block);
  }

  /** Stamps the path to a block, retains it, and returns it. */
  #use(block: RadixBlock, keep: PrefixRetention | undefined): RadixBlock[] {
    const path = block.path();
    this.#clock += 1;
    for (const step of path) step.lastUse = this.#clock;
    if (keep?.now !== undefined) this.#retained.advance(keep.now);
    if (keep) for (const step of path) this.#retained.add(step, keep);
    this.#place(block);
    return path;
  }

  /** Gives a block its place among the leaves that can go, or none. */
  #place(block: RadixBlock): void {
    if (block.isFreeLeaf) this.#leaves.set(block);
    else this.#leaves.delete(block);
  }
}

function newRoot(namespace: string): RadixBlock {
  const none = new Int32Array(0);
  return new RadixBlock({ namespace, hash: hashNamespace(namespace) }, none, none, new RadixCensus());
}
