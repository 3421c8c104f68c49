import { type CompactionPlan, compactTable, FRESH } from "./compaction.ts";
import {
  DisposedError,
  InvalidArgumentError,
  InvalidPageError,
  InvalidStateError,
  OutOfPagesError,
  requireInteger,
} from "./errors.ts";
import type { PageOwner, PagePool } from "./page-pool.ts";

export interface SequencePagesOptions {
  readonly pool: PagePool;
  /** KV layers of the model (not decoder layers), at least 1. */
  readonly kvLayers: number;
  /** KV heads of a layer, at least 1. */
  readonly kvHeads: number;
  /** Slots of a page, at least 1; 16 unless told. */
  readonly pageTokens?: number;
}

/** Whole pages to copy before the step that follows: `from[i]` to `to[i]`. Often empty. */
export interface PageCopies {
  readonly from: Int32Array;
  readonly to: Int32Array;
}

/** A copy-on-write that the caller has not committed yet. `resident` is the head's length before the append. */
interface UncommittedCopy {
  readonly index: number;
  readonly entry: number;
  readonly from: number;
  readonly to: number;
  readonly resident: number;
}

const NOTHING = new Int32Array(0);
const NO_COPIES: PageCopies = { from: NOTHING, to: NOTHING };
const NO_MOVES: CompactionPlan = { sourcePages: NOTHING, keep: NOTHING, destinationPages: NOTHING };

/**
 * The page tables of one sequence: for each KV layer and KV head a table of page ids and a resident length.
 *
 * `append` and `keep` return copies for native code to carry out. The pages that those copies read stay held until
 * `commit()`, so the order is: `append` or `keep`, issue the copies on the device's queue, `commit`. Nothing is read
 * from a page after it went back to the pool. Heads are numbered layer-major: `layer * kvHeads + head`.
 */
export class SequencePages implements PageOwner {
  readonly pool: PagePool;
  readonly kvLayers: number;
  readonly kvHeads: number;
  readonly pageTokens: number;
  readonly #resident: Int32Array;
  /** Row `index` starts at `index * #stride` and holds the head's `pagesFor(resident)` page ids. */
  #table: Int32Array;
  #stride = 4;
  #pageCount = 0;
  #seen = 0;
  #intact = 0;
  #uncommittedCopies: UncommittedCopy[] = [];
  #uncommittedPages: number[] = [];
  #disposed = false;

  constructor({ pool, kvLayers, kvHeads, pageTokens = 16 }: SequencePagesOptions) {
    this.pool = pool;
    this.kvLayers = requireInteger("kvLayers", kvLayers, 1, 65536);
    this.kvHeads = requireInteger("kvHeads", kvHeads, 1, 65536);
    this.pageTokens = requireInteger("pageTokens", pageTokens, 1, 65536);
    this.#resident = new Int32Array(kvLayers * kvHeads);
    this.#table = new Int32Array(kvLayers * kvHeads * this.#stride);
  }

  /** Number of (KV layer, KV head) pairs. */
  get heads(): number {
    return this.#resident.length;
  }

  /** Logical tokens: appended or shared so far, evicted ones included. */
  get seen(): number {
    return this.#seen;
  }

  /** Leading tokens that every head still holds in their own slots: what a prefix tree may be given. */
  get intactTokens(): number {
    return this.#intact;
  }

  /** Entries of all page tables together; pages held for uncommitted copies are not counted. */
  get pageCount(): number {
    return this.#pageCount;
  }

  /** Slots in use by one head. */
  resident(layer: number, head: number): number {
    return this.#resident[this.#index(layer, head)]!;
  }

  /** Page ids of one head in order, a copy of `ceil(resident / pageTokens)` entries. */
  pages(layer: number, head: number): Int32Array {
    const index = this.#index(layer, head);
    const start = index * this.#stride;
    return this.#table.slice(start, start + this.#pagesFor(this.#resident[index]!));
  }

  /** New pages that `append(tokens)` takes, copies of shared pages included. */
  pagesNeeded(tokens: number): number {
    this.#requireUsable();
    if (requireInteger("tokens", tokens, 0) === 0) return 0;
    let needed = 0;
    for (let index = 0; index < this.heads; index++) {
      const resident = this.#resident[index]!;
      needed += this.#pagesFor(resident + tokens) - this.#pagesFor(resident);
      if (this.#endsInSharedPage(index)) needed += 1;
    }
    return needed;
  }

  /** Whether `append(tokens)` would find its pages now. */
  canAppend(tokens: number): boolean {
    return this.pool.canAllocate(this.pagesNeeded(tokens));
  }

  /**
   * Grows every head by `tokens` slots, all or nothing. Where a head's last page is partly filled and shared, the
   * head gets a page of its own: issue the returned copies, then `commit()`.
   * @throws OutOfPagesError before anything changed.
   */
  append(tokens: number): PageCopies {
    const needed = this.pagesNeeded(tokens);
    if (!this.pool.canAllocate(needed)) throw new OutOfPagesError(needed, this.pool.freePages);
    if (tokens === 0) return NO_COPIES;
    const copies: UncommittedCopy[] = [];
    for (let index = 0; index < this.heads; index++) {
      const resident = this.#resident[index]!;
      const from = this.#pagesFor(resident);
      const until = this.#pagesFor(resident + tokens);
      this.#reserve(until);
      const row = index * this.#stride;
      if (this.#endsInSharedPage(index)) {
        const copy = {
          index,
          entry: from - 1,
          from: this.#table[row + from - 1]!,
          to: this.pool.allocateOne(),
          resident,
        };
        this.#table[row + from - 1] = copy.to;
        copies.push(copy);
      }
      for (let entry = from; entry < until; entry++) this.#table[row + entry] = this.pool.allocateOne();
      this.#resident[index] = resident + tokens;
      this.#pageCount += until - from;
    }
    if (this.#intact === this.#seen) this.#intact += tokens;
    this.#seen += tokens;
    if (copies.length === 0) return NO_COPIES;
    this.#uncommittedCopies.push(...copies);
    return {
      from: Int32Array.from(copies, (copy) => copy.from),
      to: Int32Array.from(copies, (copy) => copy.to),
    };
  }

  /**
   * Evicts all but the `kept` slots of one head (strictly ascending) and renumbers them 0..kept.length-1. Pages that
   * only this head holds are reused, a shared page is never written; the surplus goes back to the pool at `commit()`:
   * exactly `ceil(resident / pageTokens) - ceil(kept / pageTokens)` pages where no page is shared. There is no undo.
   * One head may be kept several times, with its copies issued in between.
   * @throws OutOfPagesError (only where shared pages must be replaced) and InvalidArgumentError, before anything changed.
   */
  keep(layer: number, head: number, kept: Int32Array): CompactionPlan {
    const index = this.#index(layer, head);
    this.#requireCommittedCopies("keep");
    const resident = this.#resident[index]!;
    const firstMoved = checkKept(kept, resident);
    if (kept.length === resident) return NO_MOVES;

    const sourcePages = this.pages(layer, head);
    const exclusive = (entry: number) => this.pool.references(sourcePages[entry]!) === 1;
    const compacted = compactTable(kept, this.pageTokens, sourcePages.length, exclusive);
    if (!this.pool.canAllocate(compacted.freshPages))
      throw new OutOfPagesError(compacted.freshPages, this.pool.freePages);

    const row = index * this.#stride;
    const reused = new Uint8Array(sourcePages.length);
    compacted.sources.forEach((source, entry) => {
      if (source !== FRESH) reused[source] = 1;
      this.#table[row + entry] = source === FRESH ? this.pool.allocateOne() : sourcePages[source]!;
    });
    sourcePages.forEach((page, entry) => {
      if (reused[entry] === 0) this.#uncommittedPages.push(page);
    });
    this.#resident[index] = kept.length;
    this.#pageCount += compacted.sources.length - sourcePages.length;
    this.#intact = Math.min(this.#intact, firstMoved);
    if (compacted.written.length === 0) return NO_MOVES;

    const { written } = compacted;
    const moved = new Int32Array(written.length * this.pageTokens);
    let count = 0;
    for (const entry of written) {
      const start = entry * this.pageTokens;
      const slots = kept.subarray(start, start + this.pageTokens);
      moved.set(slots, count);
      count += slots.length;
    }
    const destinationPages = Int32Array.from(written, (entry) => this.#table[row + entry]!);
    return { sourcePages, keep: moved.subarray(0, count), destinationPages };
  }

  /** Says that every copy returned so far was issued: pages held only to be read from go back to the pool. */
  commit(): void {
    this.#requireUsable();
    this.#releaseUncommitted();
  }

  /**
   * Drops the newest `tokens` slots of every head, as if they had not been appended: for a step that failed, or for
   * rejected draft tokens. Copies that `append` asked for and that were not committed are taken back too.
   */
  truncate(tokens: number): void {
    this.#requireUsable();
    const shortest = this.#resident.reduce((least, resident) => Math.min(least, resident), this.#seen);
    requireInteger("tokens", tokens, 0, shortest);
    this.#uncommittedCopies = this.#uncommittedCopies.filter((copy) => {
      if (this.#resident[copy.index]! - tokens > copy.resident) return true;
      this.#table[copy.index * this.#stride + copy.entry] = copy.from;
      this.pool.release(copy.to);
      return false;
    });
    for (let index = 0; index < this.heads; index++) {
      const before = this.#pagesFor(this.#resident[index]!);
      this.#resident[index]! -= tokens;
      const after = this.#pagesFor(this.#resident[index]!);
      const row = index * this.#stride;
      for (let entry = after; entry < before; entry++) this.pool.release(this.#table[row + entry]!);
      this.#pageCount += after - before;
    }
    this.#seen -= tokens;
    this.#intact = Math.min(this.#intact, shortest - tokens);
  }

  /** A second sequence with the same tokens, sharing every page; whoever writes to one first gets a copy of it. */
  fork(): SequencePages {
    this.#requireUsable();
    this.#requireCommittedCopies("fork");
    const fork = new SequencePages(this);
    fork.#stride = this.#stride;
    fork.#table = this.#table.slice();
    fork.#resident.set(this.#resident);
    fork.#pageCount = this.#pageCount;
    fork.#seen = this.#seen;
    fork.#intact = this.#intact;
    fork.#forEachPage((page) => this.pool.retain(page));
    return fork;
  }

  /**
   * Starts an empty sequence with a cached prefix of `tokens` tokens: `blocks[i]` holds the page of every head for
   * tokens `i * pageTokens` on. `tokens` may end inside the last block, whose pages the next `append` then copies.
   */
  share(blocks: readonly Int32Array[], tokens: number): void {
    this.#requireUsable();
    if (this.#seen > 0) throw new InvalidStateError("share: the sequence already has tokens.");
    requireInteger("tokens", tokens, 0);
    if (blocks.length !== this.#pagesFor(tokens)) {
      throw new InvalidArgumentError(
        "blocks",
        `${this.#pagesFor(tokens)} blocks for ${tokens} tokens`,
        blocks.length,
      );
    }
    for (const block of blocks) {
      if (block.length !== this.heads)
        throw new InvalidArgumentError("block", `${this.heads} pages`, block.length);
      for (const page of block) {
        if (this.pool.references(page) === 0)
          throw new InvalidPageError(page, "is free, it cannot be shared");
      }
    }
    this.#reserve(blocks.length);
    blocks.forEach((block, entry) => {
      block.forEach((page, index) => {
        this.pool.retain(page);
        this.#table[index * this.#stride + entry] = page;
      });
    });
    this.#resident.fill(tokens);
    this.#pageCount = blocks.length * this.heads;
    this.#seen = tokens;
    this.#intact = tokens;
  }

  /** The pages of all heads for tokens `index * pageTokens` on: a block for a prefix tree. Must be intact and full. */
  block(index: number): Int32Array {
    this.#requireUsable();
    this.#requireCommittedCopies("block");
    requireInteger("index", index, 0, Math.floor(this.#intact / this.pageTokens) - 1);
    return Int32Array.from({ length: this.heads }, (_, row) => this.#table[row * this.#stride + index]!);
  }

  /** Writes the resident length of every head to `target[offset..offset + heads - 1]`. */
  residentInto(target: Int32Array, offset: number): void {
    this.#requireUsable();
    target.set(this.#resident, offset);
  }

  /**
   * Writes the page ids of every head after another to `pages[offset..]` and where each head's start to
   * `starts[startOffset..]`. Both must be large enough: `pageCount` and `heads` entries.
   */
  tablesInto(pages: Int32Array, offset: number, starts: Int32Array, startOffset: number): void {
    this.#requireUsable();
    if (offset + this.#pageCount > pages.length)
      throw new InvalidArgumentError("pages", `room for ${this.#pageCount} entries`, pages.length - offset);
    if (startOffset + this.heads > starts.length)
      throw new InvalidArgumentError("starts", `room for ${this.heads} entries`, starts.length - startOffset);
    let position = offset;
    for (let index = 0; index < this.heads; index++) {
      starts[startOffset + index] = position;
      const row = index * this.#stride;
      const count = this.#pagesFor(this.#resident[index]!);
      for (let entry = 0; entry < count; entry++) pages[position++] = this.#table[row + entry]!;
    }
  }

  countReferences(counts: Int32Array): void {
    if (this.#disposed) return;
    this.#forEachPage((page) => {
      counts[page]! += 1;
    });
    for (const copy of this.#uncommittedCopies) counts[copy.from]! += 1;
    for (const page of this.#uncommittedPages) counts[page]! += 1;
  }

  /** Gives every page back. Idempotent; any other call afterwards throws. */
  dispose(): void {
    if (this.#disposed) return;
    this.#forEachPage((page) => this.pool.release(page));
    this.#releaseUncommitted();
    this.#disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #pagesFor(slots: number): number {
    return Math.ceil(slots / this.pageTokens);
  }

  #index(layer: number, head: number): number {
    this.#requireUsable();
    requireInteger("layer", layer, 0, this.kvLayers - 1);
    requireInteger("head", head, 0, this.kvHeads - 1);
    return layer * this.kvHeads + head;
  }

  #endsInSharedPage(index: number): boolean {
    const resident = this.#resident[index]!;
    if (resident % this.pageTokens === 0) return false;
    return this.pool.references(this.#table[index * this.#stride + this.#pagesFor(resident) - 1]!) > 1;
  }

  /** Widens the rows so that each holds `pages` entries. */
  #reserve(pages: number): void {
    if (pages <= this.#stride) return;
    const stride = Math.max(pages, Math.ceil(this.#stride * 1.5));
    const table = new Int32Array(this.heads * stride);
    for (let index = 0; index < this.heads; index++) {
      table.set(this.#table.subarray(index * this.#stride, (index + 1) * this.#stride), index * stride);
    }
    this.#table = table;
    this.#stride = stride;
  }

  #forEachPage(visit: (page: number) => void): void {
    for (let index = 0; index < this.heads; index++) {
      const row = index * this.#stride;
      const count = this.#pagesFor(this.#resident[index]!);
      for (let entry = 0; entry < count; entry++) visit(this.#table[row + entry]!);
    }
  }

  #releaseUncommitted(): void {
    for (const copy of this.#uncommittedCopies) this.pool.release(copy.from);
    for (const page of this.#uncommittedPages) this.pool.release(page);
    this.#uncommittedCopies.length = 0;
    this.#uncommittedPages.length = 0;
  }

  #requireCommittedCopies(call: string): void {
    if (this.#uncommittedCopies.length === 0) return;
    throw new InvalidStateError(`${call}: issue the copies of the last append and call commit() first.`);
  }

  #requireUsable(): void {
    if (this.#disposed) throw new DisposedError("SequencePages");
  }
}

/** Checks that `kept` is strictly ascending within `0..resident-1`; returns the first j with `kept[j] !== j`. */
function checkKept(kept: Int32Array, resident: number): number {
  let firstMoved = kept.length;
  for (let j = 0; j < kept.length; j++) {
    const slot = kept[j]!;
    if (slot < 0 || slot >= resident)
      throw new InvalidArgumentError(`kept[${j}]`, `a slot in 0..${resident - 1}`, slot);
    if (j > 0 && slot <= kept[j - 1]!)
      throw new InvalidArgumentError(`kept[${j}]`, `a slot above ${kept[j - 1]}`, slot);
    if (slot !== j && j < firstMoved) firstMoved = j;
  }
  return firstMoved;
}
