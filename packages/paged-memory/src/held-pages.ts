import type { PageOwner, PagePool } from "./page-pool.ts";

/** A page that a head writes to instead of one it shares. */
export interface CopyOnWrite {
  /** The head, and the page's place in its table. */
  readonly index: number;
  readonly entry: number;
  readonly from: number;
  readonly to: number;
  /** The head's length before the append that made the copy necessary. */
  readonly resident: number;
}

/** Whole pages to copy before the step that follows: `from[i]` to `to[i]`. Often empty. */
export interface PageCopies {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

const NO_COPIES: PageCopies = { from: new Int32Array(0), to: new Int32Array(0) };

export function pageCopies(copies: readonly CopyOnWrite[]): PageCopies {
  if (copies.length === 0) return NO_COPIES;
  return { from: Int32Array.from(copies, ({ from }) => from), to: Int32Array.from(copies, ({ to }) => to) };
}

/** Pages that a sequence no longer uses but that copies not issued yet will read: one reference each. */
export class HeldPages implements PageOwner {
  readonly #pool: PagePool;
  #copies: CopyOnWrite[] = [];
  #pages: number[] = [];

  constructor(pool: PagePool) {
    this.#pool = pool;
  }

  get hasCopies(): boolean {
    return this.#copies.length > 0;
  }

  /** Takes over the reference to the page that a copy reads. */
  addCopy(copy: CopyOnWrite): void {
    this.#copies.push(copy);
  }

  /** Takes over a reference. */
  add(page: number): void {
    this.#pages.push(page);
  }

  /** Removes the copies that `isUndone`, and hands the references to their pages over to `undo`. */
  takeBack(isUndone: (copy: CopyOnWrite) => boolean, undo: (copy: CopyOnWrite) => void): void {
    const undone = this.#copies.filter(isUndone);
    this.#copies = this.#copies.filter((copy) => !undone.includes(copy));
    undone.forEach(undo);
  }

  /** Gives all pages back to the pool. */
  release(): void {
    for (const copy of this.#copies) this.#pool.release(copy.from);
    for (const page of this.#pages) this.#pool.release(page);
    this.#copies.length = 0;
    this.#pages.length = 0;
  }

  countReferences(counts: Int32Array): void {
    for (const copy of this.#copies) counts[copy.from]! += 1;
    for (const page of this.#pages) counts[page]! += 1;
  }
}
