import { IntegrityError, InvalidPageError, OutOfPagesError, requireInteger } from "./errors.ts";

export interface PagePoolOptions {
  /** Number of pages, 1..2^31-1. Page ids are 0..pages-1. */
  readonly pages: number;
}

/** Whoever holds references to pages, so that an integrity check can count them. */
export interface PageOwner {
  /** Adds one to `counts[page]` for every reference that this owner holds. Does not modify the owner. */
  countReferences(counts: Int32Array): void;
}

/** Told when pages that it holds a reference to begin and cease to be held by others, too. */
export interface PageWatcher {
  /** A page got its second reference. */
  shared(): void;
  /** A page is down to one reference. */
  unshared(): void;
}

/**
 * The page ids of one block of native memory, with a reference count each. The bytes of a page live elsewhere.
 * A page is free (count 0) or used; the pool never touches what is stored in it.
 */
export class PagePool {
  readonly capacity: number;
  readonly #references: Int32Array;
  /** A stack: entries 0..#freeCount-1 are the free page ids. */
  readonly #free: Int32Array;
  #freeCount: number;
  /** By page: 0, or the place of its watcher. */
  readonly #watched: Int32Array;
  readonly #watchers: (PageWatcher | undefined)[] = [undefined];
  /** Places to use again. */
  readonly #vacant: number[] = [];

  constructor({ pages }: PagePoolOptions) {
    this.capacity = requireInteger("pages", pages, 1, 2 ** 31 - 1);
    this.#references = new Int32Array(pages);
    this.#free = new Int32Array(pages);
    for (let i = 0; i < pages; i++) this.#free[i] = pages - 1 - i;
    this.#freeCount = pages;
    this.#watched = new Int32Array(pages);
  }

  get freePages(): number {
    return this.#freeCount;
  }

  get usedPages(): number {
    return this.capacity - this.#freeCount;
  }

  canAllocate(count: number): boolean {
    return requireInteger("count", count, 0) <= this.#freeCount;
  }

  /**
   * Takes `count` pages with a reference count of 1 each, all or none.
   * @throws OutOfPagesError when fewer are free.
   */
  allocate(count: number): Int32Array {
    if (!this.canAllocate(count)) throw new OutOfPagesError(count, this.#freeCount);
    const pages = new Int32Array(count);
    for (let i = 0; i < count; i++) pages[i] = this.allocateOne();
    return pages;
  }

  /** Takes one page with a reference count of 1. @throws OutOfPagesError when none is free. */
  allocateOne(): number {
    if (this.#freeCount === 0) throw new OutOfPagesError(1, 0);
    this.#freeCount -= 1;
    const page = this.#free[this.#freeCount]!;
    this.#references[page] = 1;
    return page;
  }

  /** Adds a reference to a used page. @throws InvalidPageError */
  retain(page: number): void {
    const references = this.#requireUsed(page) + 1;
    this.#references[page] = references;
    if (references === 2) this.#watchers[this.#watched[page]!]?.shared();
  }

  /** Drops a reference; the page is free when it was the last one. @throws InvalidPageError */
  release(page: number): void {
    const left = this.#requireUsed(page) - 1;
    this.#references[page] = left;
    if (left === 1) this.#watchers[this.#watched[page]!]?.unshared();
    if (left > 0) return;
    this.#free[this.#freeCount] = page;
    this.#freeCount += 1;
  }

  /** References to a page: 0 when it is free. @throws InvalidPageError for an id outside the pool. */
  references(page: number): number {
    const count = this.#references[page];
    if (count === undefined)
      throw new InvalidPageError(page, `not a page of this pool (0..${this.capacity - 1})`);
    return count;
  }

  /**
   * Takes a reference to each page and tells `watcher` from then on who else comes and goes. A page has one watcher at
   * most. @throws InvalidPageError for a page that is free, watched or given twice, before anything changed.
   */
  watch(pages: Int32Array, watcher: PageWatcher): void {
    const place = this.#vacant.pop() ?? this.#watchers.length;
    this.#watchers[place] = undefined;
    try {
      for (const page of pages) {
        this.#requireUsed(page);
        if (this.isWatched(page)) throw new InvalidPageError(page, "has a watcher already");
        this.#watched[page] = place;
      }
    } catch (error) {
      for (const page of pages) if (this.#watched[page] === place) this.#watched[page] = 0;
      this.#vacant.push(place);
      throw error;
    }
    for (const page of pages) this.#references[page]! += 1;
    this.#watchers[place] = watcher;
  }

  /**
   * Gives back the references to the pages of one call of `watch`, all of them; returns how many are free by that.
   * @throws InvalidPageError for a page that has another watcher or none, before anything changed.
   */
  unwatch(pages: Int32Array, watcher: PageWatcher): number {
    for (const page of pages) {
      if (this.#watchers[this.#watched[page]!] !== watcher)
        throw new InvalidPageError(page, "is not watched by this watcher");
    }
    const before = this.#freeCount;
    if (pages.length > 0) {
      const place = this.#watched[pages[0]!]!;
      this.#watchers[place] = undefined;
      this.#vacant.push(place);
    }
    for (const page of pages) {
      this.#watched[page] = 0;
      this.release(page);
    }
    return this.#freeCount - before;
  }

  /** Whether a page has a watcher. */
  isWatched(page: number): boolean {
    return this.#watched[page]! > 0;
  }

  /** Checks the free list against the reference counts. Does not modify the pool. @throws IntegrityError */
  checkIntegrity(): void {
    const differences: string[] = [];
    const listed = new Uint8Array(this.capacity);
    for (let i = 0; i < this.#freeCount; i++) {
      const page = this.#free[i]!;
      if (listed[page] === 1) differences.push(`page ${page} is in the free list twice`);
      listed[page] = 1;
      if (this.isWatched(page)) differences.push(`page ${page} is free and has a watcher`);
      if (this.#references[page] !== 0)
        differences.push(`page ${page} is free and has ${this.#references[page]} references`);
    }
    for (let page = 0; page < this.capacity; page++) {
      if (this.isWatched(page) && !this.#watchers[this.#watched[page]!])
        differences.push(`page ${page} has lost its watcher`);
      if (this.#references[page] === 0 && listed[page] === 0)
        differences.push(`page ${page} has no reference and is not in the free list`);
    }
    if (differences.length > 0) throw new IntegrityError(differences);
  }

  #requireUsed(page: number): number {
    const count = this.references(page);
    if (count === 0) throw new InvalidPageError(page, "is free, nobody holds it");
    return count;
  }
}
