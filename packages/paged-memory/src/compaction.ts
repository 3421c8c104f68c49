import { InvalidArgumentError, OutOfPagesError } from "./errors.ts";
import type { HeadTables } from "./head-tables.ts";
import type { HeldPages } from "./held-pages.ts";
import type { PagePool } from "./page-pool.ts";

/** What native code copies to carry out an eviction of one head. All three are empty when no slot moves. */
export interface CompactionPlan {
  /** The head's page table before the eviction. */
  readonly sourcePages: Int32Array;
  /** Slots to copy: slot `s` lives in `sourcePages[s / pageTokens]` at `s % pageTokens`. Strictly ascending. */
  readonly keep: Int32Array;
  /** Where they go: `keep[j]` to `destinationPages[j / pageTokens]` at `j % pageTokens`, in the order of j. */
  readonly destinationPages: Int32Array;
}

const NOTHING = new Int32Array(0);
export const NO_MOVES: CompactionPlan = { sourcePages: NOTHING, keep: NOTHING, destinationPages: NOTHING };

/** Stands for a page yet to be allocated. */
const FRESH = -1;

/**
 * Leaves one head with its `kept` slots, renumbered from 0. Pages that fall out of the table go to `held`.
 * @throws OutOfPagesError before anything changed
 */
export function compactHead(
  tables: HeadTables,
  index: number,
  kept: Int32Array,
  pool: PagePool,
  held: HeldPages,
  rewrite: boolean,
): CompactionPlan {
  const { pageTokens } = tables;
  const sourcePages = tables.row(index);
  const exclusive = (entry: number) => pool.references(sourcePages[entry]!) === 1;
  const { sources, written } = rewrite
    ? rewritePages(Math.ceil(kept.length / pageTokens), exclusive)
    : placePages(kept, pageTokens, sourcePages.length, exclusive);
  const freshPages = sources.reduce((count, source) => count + (source === FRESH ? 1 : 0), 0);
  if (!pool.canAllocate(freshPages)) throw new OutOfPagesError(freshPages, pool.freePages);

  const reused = new Uint8Array(sourcePages.length);
  sources.forEach((source, entry) => {
    if (source !== FRESH) reused[source] = 1;
    tables.set(index, entry, source === FRESH ? pool.allocateOne() : sourcePages[source]!);
  });
  sourcePages.forEach((page, entry) => {
    if (reused[entry] === 0) held.add(page);
  });
  tables.resize(index, kept.length);
  if (written.length === 0) return NO_MOVES;
  return {
    sourcePages,
    keep: slotsOf(written, kept, pageTokens),
    destinationPages: Int32Array.from(written, (entry) => tables.get(index, entry)),
  };
}

/**
 * Decides which pages a compacted head uses: for each page of the new table the index of the old table's page that
 * it reuses or {@link FRESH}, and which pages of the new table are written.
 *
 * - A page whose slots all stay together, from its first slot on, is linked into its new place without a copy. A
 *   window that slides by whole pages therefore costs one page, not the window.
 * - Any other page is written in place when only this head holds it: `kept[j] >= j`, so copying in the order of j
 *   reads every slot before it is overwritten.
 * - Else it is written to an exclusive page whose slots were all read by then, and only then to a fresh page. With
 *   no shared page there is always such a page, so an eviction never needs memory to free memory.
 */
function placePages(
  kept: Int32Array,
  pageTokens: number,
  pages: number,
  exclusive: (index: number) => boolean,
): { sources: Int32Array; written: readonly number[] } {
  const sources = new Int32Array(Math.ceil(kept.length / pageTokens)).fill(FRESH);
  const taken = new Uint8Array(pages);
  for (let i = 0; i < sources.length; i++) {
    const start = i * pageTokens;
    const end = Math.min(start + pageTokens, kept.length);
    const first = kept[start]!;
    if (first % pageTokens !== 0 || kept[end - 1]! - first !== end - 1 - start) continue;
    sources[i] = first / pageTokens;
    taken[sources[i]!] = 1;
  }

  const written: number[] = [];
  let cursor = 0;
  for (let i = 0; i < sources.length; i++) {
    if (sources[i] !== FRESH) continue;
    written.push(i);
    const reading = Math.floor(kept[i * pageTokens]! / pageTokens);
    let page = i;
    if (taken[i] === 1 || !exclusive(i)) {
      while (cursor < reading && (taken[cursor] === 1 || !exclusive(cursor))) cursor += 1;
      page = cursor < reading ? cursor : FRESH;
    }
    if (page !== FRESH) taken[page] = 1;
    sources[i] = page;
  }
  return { sources, written };
}

/** As {@link placePages}, but every page is written, and where only this head holds it, in its own place. */
function rewritePages(
  pages: number,
  exclusive: (index: number) => boolean,
): { sources: Int32Array; written: readonly number[] } {
  const sources = Int32Array.from({ length: pages }, (_, i) => (exclusive(i) ? i : FRESH));
  return { sources, written: [...sources.keys()] };
}

/** The kept slots that go to the pages `written` of the new table, in order. */
function slotsOf(written: readonly number[], kept: Int32Array, pageTokens: number): Int32Array {
  const slots = new Int32Array(written.length * pageTokens);
  let count = 0;
  for (const entry of written) {
    const ofPage = kept.subarray(entry * pageTokens, (entry + 1) * pageTokens);
    slots.set(ofPage, count);
    count += ofPage.length;
  }
  return slots.subarray(0, count);
}

/** Checks that `kept` is strictly ascending within `0..resident-1`; returns the first j with `kept[j] !== j`. */
export function checkKept(kept: Int32Array, resident: number): number {
  let firstMoved = kept.length;
  for (let j = 0; j < kept.length; j++) {
    const slot = kept[j]!;
    if (slot < 0 || slot >= resident) {
      throw new InvalidArgumentError(`kept[${j}]`, `a slot in 0..${resident - 1}`, slot);
    }
    if (j > 0 && slot <= kept[j - 1]!) {
      throw new InvalidArgumentError(`kept[${j}]`, `a slot above ${kept[j - 1]}`, slot);
    }
    if (slot !== j && j < firstMoved) firstMoved = j;
  }
  return firstMoved;
}
