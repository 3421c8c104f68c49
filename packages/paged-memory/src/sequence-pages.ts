import { blockAt, checkBlocks } from "./block-pages.ts";
import { type CompactionPlan, checkKept, compactHead, NO_MOVES } from "./compaction.ts";
import {
  DisposedError,
  InvalidArgumentError,
  InvalidStateError,
  OutOfPagesError,
  requireInteger,
} from "./errors.ts";
import { HeadTables } from "./head-tables.ts";
import { type CopyOnWrite, HeldPages, type PageCopies, pageCopies } from "./held-pages.ts";
import { endsInSharedPage, pagesToAppend, pagesToKeep } from "./page-needs.ts";
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
  #tables: HeadTables;
  #seen = 0;
  #intact = 0;
  readonly #held: HeldPages;
  #disposed = false;

  constructor({ pool, kvLayers, kvHeads, pageTokens = 16 }: SequencePagesOptions) {
    this.pool = pool;
    this.kvLayers = requireInteger("kvLayers", kvLayers, 1, 65536);
    this.kvHeads = requireInteger("kvHeads", kvHeads, 1, 65536);
    this.pageTokens = requireInteger("pageTokens", pageTokens, 1, 65536);
    this.#tables = new HeadTables(kvLayers * kvHeads, pageTokens);
    this.#held = new HeldPages(pool);
  }

  /** Number of (KV layer, KV head) pairs. */
  get heads(): number {
    return this.#tables.heads;
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
    return this.#tables.pageCount;
  }

  /** Slots in use by one head. */
  resident(layer: number, head: number): number {
    return this.#tables.resident[this.#index(layer, head)]!;
  }

  /** Page ids of one head in order, a copy of `ceil(resident / pageTokens)` entries. */
  pages(layer: number, head: number): Int32Array {
    return this.#tables.row(this.#index(layer, head));
  }

  /** New pages that `append(tokens)` takes, copies of shared pages included. */
  pagesNeeded(tokens: number): number {
    this.#requireUsable();
    return pagesToAppend(this.#tables, requireInteger("tokens", tokens, 0), this.pool);
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
    if (tokens === 0) return pageCopies([]);
    const tables = this.#tables;
    const copies: CopyOnWrite[] = [];
    for (let index = 0; index < tables.heads; index++) {
      const resident = tables.resident[index]!;
      const length = tables.length(index);
      if (endsInSharedPage(tables, index, this.pool)) {
        const entry = length - 1;
        const copy = { index, entry, from: tables.get(index, entry), to: this.pool.allocateOne(), resident };
        tables.set(index, entry, copy.to);
        copies.push(copy);
      }
      tables.resize(index, resident + tokens);
      for (let entry = length; entry < tables.length(index); entry++) {
        tables.set(index, entry, this.pool.allocateOne());
      }
    }
    if (this.#intact === this.#seen) this.#intact += tokens;
    this.#seen += tokens;
    for (const copy of copies) this.#held.addCopy(copy);
    return pageCopies(copies);
  }

  /**
   * New pages that `keep` of so many slots of a head takes at most, whichever slots they are: 0 where the head shares no
   * page. The sum over heads holds for all of them, kept one after another.
   */
  pagesNeededToKeep(layer: number, head: number, slots: number): number {
    const index = this.#index(layer, head);
    requireInteger("slots", slots, 0, this.#tables.resident[index]!);
    return pagesToKeep(this.#tables, index, slots, this.pool);
  }

  /**
   * Evicts all but the `kept` slots of one head (strictly ascending) and renumbers them 0..kept.length-1. Pages that
   * only this head holds are reused, a shared page is never written; the surplus goes back to the pool at `commit()`:
   * exactly `ceil(resident / pageTokens) - ceil(kept / pageTokens)` pages where no page is shared. There is no undo.
   * A head may be kept again once the copies of its plan were issued.
   *
   * With `rewrite`, the plan names every slot that is kept, and page i of the new table is page i of the old one or a
   * fresh one: for compactions that change what they keep. Nothing is intact then.
   * @throws OutOfPagesError where shared pages must be replaced (by at most `pagesNeededToKeep`) and too few are
   * left, and InvalidArgumentError; both before anything changed.
   */
  keep(layer: number, head: number, kept: Int32Array, rewrite = false): CompactionPlan {
    const index = this.#index(layer, head);
    this.#requireCommittedCopies("keep");
    const tables = this.#tables;
    const resident = tables.resident[index]!;
    const firstMoved = checkKept(kept, resident);
    if (kept.length === resident) return NO_MOVES;

    const plan = compactHead(tables, index, kept, this.pool, this.#held, rewrite);
    this.#intact = rewrite ? 0 : Math.min(this.#intact, firstMoved);
    return plan;
  }

  /** Says that every copy returned so far was issued: pages held only to be read from go back to the pool. */
  commit(): void {
    this.#requireUsable();
    this.#held.release();
  }

  /**
   * Drops the newest `tokens` slots of every head, as if they had not been appended: for a step that failed, or for
   * rejected draft tokens. Copies that `append` asked for and that were not committed are taken back too.
   */
  truncate(tokens: number): void {
    this.#requireUsable();
    const tables = this.#tables;
    const shortest = tables.resident.reduce((least, resident) => Math.min(least, resident), this.#seen);
    requireInteger("tokens", tokens, 0, shortest);
    this.#held.takeBack(
      (copy) => tables.resident[copy.index]! - tokens <= copy.resident,
      (copy) => {
        tables.set(copy.index, copy.entry, copy.from);
        this.pool.release(copy.to);
      },
    );
    for (let index = 0; index < tables.heads; index++) {
      const before = tables.length(index);
      tables.resize(index, tables.resident[index]! - tokens);
      for (let entry = tables.length(index); entry < before; entry++)
        this.pool.release(tables.get(index, entry));
    }
    this.#seen -= tokens;
    this.#intact = Math.min(this.#intact, shortest - tokens);
  }

  /** A second sequence with the same tokens, sharing every page; whoever writes to one first gets a copy of it. */
  fork(): SequencePages {
    this.#requireUsable();
    this.#requireCommittedCopies("fork");
    const fork = new SequencePages(this);
    fork.#tables = this.#tables.clone();
    fork.#seen = this.#seen;
    fork.#intact = this.#intact;
    this.#tables.forEachPage((page) => this.pool.retain(page));
    return fork;
  }

  /**
   * Starts an empty sequence with a cached prefix of `tokens` tokens: `blocks[i]` holds the page of every head for
   * tokens `i * pageTokens` on. `tokens` may end inside the last block, whose pages the next `append` then copies.
   */
  share(blocks: readonly Int32Array[], tokens: number): void {
    this.#requireUsable();
    if (this.#seen > 0) throw new InvalidStateError("share: the sequence already has tokens.");
    const tables = this.#tables;
    checkBlocks(blocks, requireInteger("tokens", tokens, 0), tables, this.pool);
    for (let index = 0; index < tables.heads; index++) {
      tables.resize(index, tokens);
      blocks.forEach((block, entry) => {
        this.pool.retain(block[index]!);
        tables.set(index, entry, block[index]!);
      });
    }
    this.#seen = tokens;
    this.#intact = tokens;
  }

  /**
   * Starts an empty sequence that has seen `seen` tokens, with `resident[h]` slots in head h, in pages of its own: for
   * contents that are written back. Nothing of it counts as intact. @throws OutOfPagesError before anything changed
   */
  restore(resident: Int32Array, seen: number): void {
    this.#requireUsable();
    if (this.#seen > 0) throw new InvalidStateError("restore: the sequence already has tokens.");
    const tables = this.#tables;
    if (resident.length !== tables.heads)
      throw new InvalidArgumentError("resident", `${tables.heads} lengths`, resident.length);
    for (const slots of resident) requireInteger("resident", slots, 0, requireInteger("seen", seen, 1));
    const needed = resident.reduce((sum, slots) => sum + tables.pagesFor(slots), 0);
    if (!this.pool.canAllocate(needed)) throw new OutOfPagesError(needed, this.pool.freePages);
    resident.forEach((slots, index) => {
      tables.resize(index, slots);
      for (let entry = 0; entry < tables.length(index); entry++)
        tables.set(index, entry, this.pool.allocateOne());
    });
    this.#seen = seen;
  }

  /** The pages of all heads for tokens `index * pageTokens` on: a block for a prefix tree. Must be intact and full. */
  block(index: number): Int32Array {
    this.#requireUsable();
    this.#requireCommittedCopies("block");
    requireInteger("index", index, 0, Math.floor(this.#intact / this.pageTokens) - 1);
    return blockAt(this.#tables, index);
  }

  /**
   * All blocks that are intact and full, in token order. To leave a sequence that is over to a prefix tree, insert them
   * for its first `blocks.length * pageTokens` tokens and dispose: their pages are then held by the tree alone.
   */
  intactBlocks(): Int32Array[] {
    const count = Math.floor(this.intactTokens / this.pageTokens);
    return Array.from({ length: count }, (_, index) => this.block(index));
  }

  /** Writes the resident length of every head to `target[offset..offset + heads - 1]`. */
  residentInto(target: Int32Array, offset: number): void {
    this.#requireUsable();
    target.set(this.#tables.resident, offset);
  }

  /**
   * Writes the page ids of every head, one head after another, to `pages[offset..]` and where each head's start to
   * `starts[startOffset..]`. Both must have room: `pageCount` and `heads` entries.
   */
  tablesInto(pages: Int32Array, offset: number, starts: Int32Array, startOffset: number): void {
    this.#requireUsable();
    this.#tables.copyInto(pages, offset, starts, startOffset);
  }

  countReferences(counts: Int32Array): void {
    if (this.#disposed) return;
    this.#tables.forEachPage((page) => {
      counts[page]! += 1;
    });
    this.#held.countReferences(counts);
  }

  /** Gives every page back. Idempotent; any other call afterwards throws. */
  dispose(): void {
    if (this.#disposed) return;
    this.#tables.forEachPage((page) => this.pool.release(page));
    this.#held.release();
    this.#disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #index(layer: number, head: number): number {
    this.#requireUsable();
    requireInteger("layer", layer, 0, this.kvLayers - 1);
    requireInteger("head", head, 0, this.kvHeads - 1);
    return layer * this.kvHeads + head;
  }

  #requireCommittedCopies(call: string): void {
    if (!this.#held.hasCopies) return;
    throw new InvalidStateError(`${call}: issue the copies of the last append and call commit() first.`);
  }

  #requireUsable(): void {
    if (this.#disposed) throw new DisposedError("SequencePages");
  }
}
