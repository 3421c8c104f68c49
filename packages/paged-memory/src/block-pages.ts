import { InvalidArgumentError, InvalidPageError } from "./errors.ts";
import type { HeadTables } from "./head-tables.ts";
import type { PagePool } from "./page-pool.ts";

/** The pages of all heads for the tokens `index * pageTokens` on. */
export function blockAt(tables: HeadTables, index: number): Int32Array {
  const pages = new Int32Array(tables.heads);
  for (let row = 0; row < pages.length; row++) pages[row] = tables.get(row, index);
  return pages;
}

/** Checks that blocks can start a sequence of `tokens` tokens: their number, their size, and that somebody holds them. */
export function checkBlocks(
  blocks: readonly Int32Array[],
  tokens: number,
  { heads, pageTokens }: HeadTables,
  pool: PagePool,
): void {
  const expected = Math.ceil(tokens / pageTokens);
  if (blocks.length !== expected)
    throw new InvalidArgumentError("blocks", `${expected} blocks for ${tokens} tokens`, blocks.length);
  for (const block of blocks) {
    if (block.length !== heads) throw new InvalidArgumentError("block", `${heads} pages`, block.length);
    for (const page of block)
      if (pool.references(page) === 0) throw new InvalidPageError(page, "is free, it cannot be shared");
  }
}
