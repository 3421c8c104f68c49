import type { HeadTables } from "./head-tables.ts";
import type { PagePool } from "./page-pool.ts";

/** Whether a head's last page is partly filled and held by others, too: it must be copied before it is written to. */
export function endsInSharedPage(tables: HeadTables, index: number, pool: PagePool): boolean {
  if (tables.resident[index]! % tables.pageTokens === 0) return false;
  return pool.references(tables.get(index, tables.length(index) - 1)) > 1;
}

/** Pages that `tokens` more slots in every head take, copies of shared pages included. */
export function pagesToAppend(tables: HeadTables, tokens: number, pool: PagePool): number {
  if (tokens === 0) return 0;
  let needed = 0;
  for (let index = 0; index < tables.heads; index++) {
    needed += tables.pagesFor(tables.resident[index]! + tokens) - tables.length(index);
    if (endsInSharedPage(tables, index, pool)) needed += 1;
  }
  return needed;
}

/**
 * Pages that it takes at most to leave a head with `kept` slots: no more than there are to be written, and no more
 * than cannot be written to because others hold them, too.
 */
export function pagesToKeep(tables: HeadTables, index: number, kept: number, pool: PagePool): number {
  if (kept === tables.resident[index]) return 0;
  let shared = 0;
  for (let entry = 0; entry < tables.length(index); entry++)
    if (pool.references(tables.get(index, entry)) > 1) shared += 1;
  return Math.min(tables.pagesFor(kept), shared);
}
