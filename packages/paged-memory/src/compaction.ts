/** What native code copies to carry out an eviction of one head. All three are empty when no slot moves. */
export interface CompactionPlan {
  /** The head's page table before the eviction. */
  readonly sourcePages: Int32Array;
  /** Slots to copy: slot `s` lives in `sourcePages[s / pageTokens]` at `s % pageTokens`. Strictly ascending. */
  readonly keep: Int32Array;
  /** Where they go: `keep[j]` to `destinationPages[j / pageTokens]` at `j % pageTokens`, in the order of j. */
  readonly destinationPages: Int32Array;
}

/** Stands for a page yet to be allocated in {@link CompactedTable.sources}. */
export const FRESH = -1;

/** A compaction before its fresh pages are allocated. */
export interface CompactedTable {
  /** For each page of the new table: the index of the old table's page that it reuses, or {@link FRESH}. */
  readonly sources: Int32Array;
  /** The pages of the new table that must be written, as indices into it, ascending. */
  readonly written: readonly number[];
  /** How many of `sources` are {@link FRESH}. */
  readonly freshPages: number;
}

/**
 * Decides which pages a compacted head uses.
 *
 * - A page whose slots all stay together, from its first slot on, is linked into its new place without a copy. A
 *   window that slides by whole pages therefore costs one page, not the window.
 * - Any other page is written in place when only this head holds it: `kept[j] >= j`, so copying in the order of j
 *   reads every slot before it is overwritten.
 * - Else it is written to an exclusive page whose slots were all read by then, and only then to a fresh page. With
 *   no shared page there is always such a page, so an eviction never needs memory to free memory.
 *
 * @param kept strictly ascending slots, checked by the caller
 * @param exclusive whether only this head holds the page at an index of the old table
 */
export function compactTable(
  kept: Int32Array,
  pageTokens: number,
  pages: number,
  exclusive: (index: number) => boolean,
): CompactedTable {
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
  let freshPages = 0;
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
    if (page === FRESH) freshPages += 1;
    else taken[page] = 1;
    sources[i] = page;
  }
  return { sources, written, freshPages };
}
