import { InvalidArgumentError, InvalidPageError, requireInteger } from "./errors.ts";
import type { PagePool, PageWatcher } from "./page-pool.ts";
import type { PrefixRetention, PrefixTreeOptions } from "./prefix-tree.ts";

/** The pages that a prefix tree holds, one reference each, and the checks that both trees make. */
export class StoredPages {
  readonly pool: PagePool;
  readonly pageTokens: number;
  readonly blockPages: number;
  /** Blocks that may be retained at a time. */
  readonly retainedBlocks: number;
  /** Evicted blocks to be remembered. */
  readonly lostBlocks: number;
  /** One while a page is being checked, so that none is given twice. */
  readonly #given: Uint8Array;
  #count = 0;

  constructor({ pool, pageTokens, blockPages, retainedPages, lostBlocks = 16384 }: PrefixTreeOptions) {
    this.pool = pool;
    this.pageTokens = requireInteger("pageTokens", pageTokens, 1, 65536);
    this.blockPages = requireInteger("blockPages", blockPages, 1, pool.capacity);
    const most = retainedPages ?? Math.floor(pool.capacity / 2);
    this.retainedBlocks = Math.floor(requireInteger("retainedPages", most, 0, pool.capacity) / blockPages);
    this.lostBlocks = requireInteger("lostBlocks", lostBlocks, 0, 2 ** 20);
    this.#given = new Uint8Array(pool.capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** @throws InvalidArgumentError unless there are token ids, as many as belong to the blocks, and blocks of the right size. */
  checkShapes(tokens: ArrayLike<number>, blocks: readonly Int32Array[]): void {
    const expected = blocks.length * this.pageTokens;
    if (tokens.length !== expected)
      throw new InvalidArgumentError(
        "tokens",
        `${expected} tokens for ${blocks.length} blocks`,
        tokens.length,
      );
    for (let i = 0; i < tokens.length; i++) requireInteger("token", tokens[i]!, 0, 2 ** 31 - 1);
    for (const block of blocks) {
      if (block.length !== this.blockPages)
        throw new InvalidArgumentError("block", `${this.blockPages} pages`, block.length);
    }
  }

  checkRetention(keep: PrefixRetention | undefined): void {
    if (!keep) return;
    requireInteger("keep.priority", keep.priority, 0, 99);
    this.checkTime("keep.until", keep.until);
    if (keep.now !== undefined) this.checkTime("keep.now", keep.now);
  }

  checkTime(field: string, time: number): void {
    if (typeof time !== "number" || Number.isNaN(time)) throw new InvalidArgumentError(field, "a time", time);
  }

  /** Checks that blocks can be stored: their pages are used, and stored at most once, here and among themselves. */
  checkNew(blocks: readonly Int32Array[]): void {
    try {
      for (const block of blocks) this.#checkPages(block);
    } finally {
      for (const block of blocks) for (const page of block) this.#given[page] = 0;
    }
  }

  /** Takes a reference to each page of a block, and has `watcher` told of others who come and go. */
  retain(block: Int32Array, watcher: PageWatcher): void {
    this.pool.watch(block, watcher);
    this.#count += block.length;
  }

  /** Gives the references back; returns how many pages are free by that. */
  release(block: Int32Array, watcher: PageWatcher): number {
    this.#count -= block.length;
    return this.pool.unwatch(block, watcher);
  }

  #checkPages(block: Int32Array): void {
    for (const page of block) {
      if (this.pool.references(page) === 0) throw new InvalidPageError(page, "is free, it cannot be cached");
      if (this.pool.isWatched(page) || this.#given[page] === 1)
        throw new InvalidArgumentError("blocks", "pages that are not cached yet", `page ${page}`);
      this.#given[page] = 1;
    }
  }

  /** Pages of a block that nobody but the tree holds. */
  unshared(block: Int32Array): number {
    let pages = 0;
    for (const page of block) if (this.pool.references(page) === 1) pages += 1;
    return pages;
  }
}
