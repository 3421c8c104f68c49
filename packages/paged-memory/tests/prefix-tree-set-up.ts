import {
  PagePool,
  type PrefixHandle,
  type PrefixRetention,
  type PrefixTree,
  type PrefixTreeOptions,
} from "../src/index.ts";

export const pageTokens = 4;
export const blockPages = 2;
export const A = [1, 1, 1, 1];
export const B = [2, 2, 2, 2];
export const C = [3, 3, 3, 3];

export type CreateTree = (options: PrefixTreeOptions) => PrefixTree;

/** A tree over a pool of 60 pages, and short words for what tests do with both. */
export function setUp(create: CreateTree, options: Partial<PrefixTreeOptions> = {}) {
  const pool = new PagePool({ pages: 60 });
  const tree = create({ pool, pageTokens, blockPages, ...options });
  return {
    pool,
    tree,
    /** Fresh blocks that the caller holds. */
    newBlocks: (count: number) => Array.from({ length: count }, () => pool.allocate(blockPages)),
    letGo,
    store,
    matched,
  };

  function letGo(blocks: readonly Int32Array[]): void {
    for (const block of blocks) for (const page of block) pool.release(page);
  }

  /** Stores blocks that nobody else holds. */
  function store(
    tokens: number[],
    namespace = "n",
    keep?: PrefixRetention,
  ): { blocks: Int32Array[]; handle: PrefixHandle } {
    const blocks = Array.from({ length: tokens.length / pageTokens }, () => pool.allocate(blockPages));
    const { handle } = tree.insert(namespace, tokens, blocks, keep);
    letGo(blocks);
    tree.checkIntegrity();
    return { blocks, handle };
  }

  /** Tokens found in whole blocks and, where there is one, in a part of a block behind them. */
  function matched(tokens: number[], namespace = "n"): number[] {
    const { tokens: whole, partial } = tree.match(namespace, tokens);
    tree.checkIntegrity();
    return partial ? [whole, partial.tokens] : [whole];
  }
}
