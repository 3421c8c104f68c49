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

  constructor(parts: {
    readonly pool: PagePool;
    readonly tree: PrefixTree;
    readonly memory: Pick<PageBytes, "writePages">;
  }) {
    this.#pool = parts.pool;
    this.#tree = parts.tree;
    this.#memory = parts.memory;
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

  write(pages: Int32Array, bytes: Uint8Array): Promise<void> {
    return this.#memory.writePages(pages, bytes);
  }

  commit({ namespace, tokens, blocks }: RestoredPrefix): void {
    this.#tree.insert(namespace, tokens, blocks);
  }

  release(): void {
    for (const page of this.#pages) this.#pool.release(page);
    this.#pages = new Int32Array(0);
  }

  countReferences(counts: Int32Array): void {
    for (const page of this.#pages) counts[page]! += 1;
  }
}
