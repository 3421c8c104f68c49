import { OutOfPagesError, type PageOwner, type PagePool, type PrefixTree } from "@kvasir/paged-memory";
import { EngineError } from "../engine-error.ts";
import type { PageBytes } from "./page-bytes.ts";
import type { RestoredPrefix, RestoreTarget } from "./restore-prefixes.ts";

/** Pages of a file that is being read: taken from the pool, and not yet in the prefix tree. */
export class StagedPages implements RestoreTarget, PageOwner {
  readonly #pool: PagePool;
  readonly #tree: PrefixTree;
  readonly #memory: Pick<PageBytes, "writePages">;
  #pages = new Int32Array(0);
  #gaveWay = false;

  readonly #committed: (prefix: RestoredPrefix) => void;

  /** `committed` is told of each prefix that is in the tree. */
  constructor(
    parts: {
      readonly pool: PagePool;
      readonly tree: PrefixTree;
      readonly memory: Pick<PageBytes, "writePages">;
    },
    committed: (prefix: RestoredPrefix) => void = () => {},
  ) {
    this.#pool = parts.pool;
    this.#tree = parts.tree;
    this.#memory = parts.memory;
    this.#committed = committed;
  }

  canAllocate(pages: number): boolean {
    return this.#pool.canAllocate(pages);
  }

  /** Drops cached prefixes only where all pages are found by that. */
  allocate(pages: number): Int32Array {
    const { freePages } = this.#pool;
    const reachable = freePages + this.#tree.evictablePages();
    try {
      if (pages > reachable) throw new OutOfPagesError(pages, reachable);
      if (pages > freePages) this.#tree.evict(pages - freePages);
      this.#pages = this.#pool.allocate(pages) as Int32Array<ArrayBuffer>;
    } catch (cause) {
      if (!(cause instanceof OutOfPagesError)) throw cause;
      const message = `the file takes ${pages} pages, and ${reachable} can be had now`;
      throw new EngineError("out-of-pages", message, "path", { cause });
    }
    return this.#pages;
  }

  /** @throws EngineError where the pages were released meanwhile: they may be somebody else's by now */
  async write(pages: Int32Array, bytes: Uint8Array): Promise<void> {
    if (this.#pages.length === 0)
      throw new EngineError("overloaded", "the pages of the file were given back");
    await this.#memory.writePages(pages, bytes);
  }

  commit(prefix: RestoredPrefix): void {
    if (this.#gaveWay) return;
    this.#tree.insert(prefix.namespace, prefix.tokens, prefix.blocks);
    this.#committed(prefix);
  }

  /**
   * Gives the pages back to others who need them more. What the cache has taken by then, it can evict as anything else;
   * what it has not, it never gets.
   */
  giveWay(): void {
    this.#gaveWay = true;
    this.release();
  }

  release(): void {
    for (const page of this.#pages) this.#pool.release(page);
    this.#pages = new Int32Array(0);
  }

  countReferences(counts: Int32Array): void {
    for (const page of this.#pages) counts[page]! += 1;
  }
}
