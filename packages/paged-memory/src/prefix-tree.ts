import type { PageOwner, PagePool } from "./page-pool.ts";

export interface PrefixTreeOptions {
  readonly pool: PagePool;
  /** Tokens of a block: the slots of a page. */
  readonly pageTokens: number;
  /** Pages of a block: one per KV layer and KV head, `kvLayers * kvHeads`. */
  readonly blockPages: number;
}

/** Stands for the blocks of one match or insertion; made by a tree, understood by that tree alone. */
export interface PrefixHandle {
  /** Tokens of the blocks that it stands for. */
  readonly tokens: number;
}

export interface PrefixMatch {
  /** Tokens found in whole blocks: `blocks.length * pageTokens`. */
  readonly tokens: number;
  /** The blocks, in token order: `blockPages` page ids each, layer-major. Do not modify. */
  readonly blocks: readonly Int32Array[];
  /**
   * A cached block that begins with the next 1..pageTokens-1 tokens: its leading slots can be used by copy. Among
   * equally long ones, the block whose tokens come first in lexicographic order.
   */
  readonly partial?: { readonly block: Int32Array; readonly tokens: number };
  readonly handle: PrefixHandle;
}

export interface PrefixInsertion {
  /** Blocks that were new and are now held by the tree, too. The others were there already and stay as they were. */
  readonly newBlocks: number;
  /** Stands for all blocks of the insertion. */
  readonly handle: PrefixHandle;
}

/**
 * The cache of prompt prefixes: token ids to the pages that hold their keys and values.
 *
 * A *block* is `pageTokens` tokens and the pages of all KV layers and KV heads for them. Only whole blocks are stored,
 * each behind the blocks of all tokens before it. Tokens are compared, not hashed, so two prompts never collide.
 *
 * A *namespace* keeps apart what must not be shared though the tokens agree: build it from the model, the KV format,
 * the eviction policy where pages depend on it, and a salt per tenant. Matching never crosses namespaces.
 *
 * The tree holds one reference to each page that it stores, from `insert` until `evict` or `reset`. A matched block
 * is not held for the caller: share its pages (`SequencePages.share`) or `lock` it before the next call to `evict`.
 *
 * Time is a logical clock: one tick per `match` and `insert`, which stamps the whole blocks on its path. So a block
 * was never used before one behind it, and no two leaves carry the same stamp.
 */
export interface PrefixTree extends PageOwner {
  readonly pageTokens: number;
  readonly blockPages: number;
  /** Pages that the tree holds. */
  readonly cachedPages: number;
  /** Pages of locked blocks. */
  readonly lockedPages: number;

  /**
   * Finds the longest cached prefix. Modifies use stamps (and may regroup blocks), never what is stored. To leave at
   * least one token to compute, pass one token less than the prompt.
   */
  match(namespace: string, tokens: ArrayLike<number>): PrefixMatch;

  /**
   * Stores `blocks` for `tokens` (exactly `blocks.length * pageTokens` of them). Modifies the tree: blocks that it lacks
   * are retained; for those that it has, the stored pages stay and the given ones are ignored.
   * @throws InvalidArgumentError for a wrong length or a page that the tree already holds for other tokens, and
   * InvalidPageError for a free page, before anything changed.
   */
  insert(namespace: string, tokens: ArrayLike<number>, blocks: readonly Int32Array[]): PrefixInsertion;

  /** Keeps the blocks of a handle from eviction until as many calls of `unlock`. Modifies lock counts only. */
  lock(handle: PrefixHandle): void;

  /** Takes one lock back. Modifies lock counts only. @throws InvalidHandleError when the handle is not locked. */
  unlock(handle: PrefixHandle): void;

  /**
   * Drops blocks until `pagesWanted` pages are free again or no block is left to drop, and returns how many were
   * freed (whole blocks, so it may be more). Modifies the tree. A block can go when no other is behind it, it is not locked and nobody
   * else holds one of its pages; the one that was used least recently goes first.
   */
  evict(pagesWanted: number): number;

  /** How many pages `evict` could free now. Does not modify the tree. */
  evictablePages(): number;

  /**
   * Drops every block that is not locked, even where sequences hold its pages (they keep them), and returns the number
   * of blocks dropped. Modifies the tree.
   */
  reset(): number;

  /** Checks the tree's own structure and counters. Does not modify the tree. @throws IntegrityError */
  checkIntegrity(): void;
}
