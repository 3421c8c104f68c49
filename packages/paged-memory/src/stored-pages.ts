import { InvalidArgumentError, InvalidPageError, requireInteger } from "./errors.ts";
import type { PagePool } from "./page-pool.ts";
import type { PrefixTreeOptions } from "./prefix-tree.ts";

/** The pages that a prefix tree holds, one reference each, and the checks that both trees make. */
export class StoredPages {
  readonly pool: PagePool;
  readonly pageTokens: number;
  readonly blockPages: number;
  readonly #stored: Uint8Array;
  #count = 0;

  constructor({ pool, pageTokens, blockPages }: PrefixTreeOptions) {
    this.pool = pool;
    this.pageTokens = requireInteger("pageTokens", pageTokens, 1, 65536);
    this.blockPages = requireInteger("blockPages", blockPages, 1, pool.capacity);
    this.#stored = new Uint8Array(pool.capacity);
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

  /** Checks that blocks can be stored: their pages are used, and stored at most once, here and among themselves. */
  checkNew(blocks: readonly Int32Array[]): void {
    const seen = new Set<number>();
    for (const block of blocks) {
      for (const page of block) {
        if (this.pool.references(page) === 0)
          throw new InvalidPageError(page, "is free, it cannot be cached");
        if (this.#stored[page] === 1 || seen.has(page))
          throw new InvalidArgumentError("blocks", "pages that are not cached yet", `page ${page}`);
        seen.add(page);
      }
    }
  }

  /** Takes a reference to each page of a block; returns the tree's own copy of the block. */
  retain(block: Int32Array): Int32Array {
    for (const page of block) {
      this.pool.retain(page);
      this.#stored[page] = 1;
    }
    this.#count += block.length;
    return block.slice();
  }

  /** Gives the references back; returns how many pages are free by that. */
  release(block: Int32Array): number {
    const before = this.pool.freePages;
    for (const page of block) {
      this.pool.release(page);
      this.#stored[page] = 0;
    }
    this.#count -= block.length;
    return this.pool.freePages - before;
  }

  /** Whether nobody but the tree holds a page of the block. */
  isUnshared(block: Int32Array): boolean {
    return block.every((page) => this.pool.references(page) === 1);
  }
}
