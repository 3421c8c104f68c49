import type { PageOwner, PagePool } from "./page-pool.ts";

export interface PrefixTreeOptions {
  readonly pool: PagePool;
  /** Tokens of a block: the slots of a page. */
  readonly pageTokens: number;
  /** Pages of a block: one per KV layer and KV head, `kvLayers * kvHeads`. */
  readonly blockPages: number;
  /** Pages of retained blocks at most, 0..pages of the pool; half of the pool unless told. */
  readonly retainedPages?: number;
  /** Evictions that are remembered, in blocks, 0..2^20; 16,384 (at most 1 MB) unless told. */
  readonly lostBlocks?: number;
}

/** The wish to keep blocks longer than others. Times are of one clock of the caller's, in its unit. */
export interface PrefixRetention {
  /** 0 (no wish) to 99. */
  readonly priority: number;
  /** The time from which on the priority counts as 0. */
  readonly until: number;
  /** The time of this call: what is over by now makes room under `retainedPages`. The latest told time if absent. */
  readonly now?: number;
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

/** The end of one prompt in the tree: the blocks that no earlier entry had. */
export interface PrefixEntry {
  readonly namespace: string;
  /** Tokens that the prompt has in common with the entry before it, in whole blocks; 0 where the namespace changes. */
  readonly commonTokens: number;
  /** The tokens behind those, `blocks.length * pageTokens`. */
  readonly tokens: Int32Array;
  /** Do not modify. */
  readonly blocks: readonly Int32Array[];
  /** Stands for the whole prompt, `commonTokens` included. */
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
 * The tree holds one reference to each page that it stores, from `insert` until the block is dropped. A page is stored
 * once, and by one tree of a pool. A matched block is not held for the caller: share its pages (`SequencePages.share`)
 * or `lock` it before the next call to `evict`.
 *
 * Use is a logical clock: one tick per `match` and `insert`, which stamps the whole blocks on its path. So a block
 * was never used before one behind it, and no two leaves carry the same stamp.
 *
 * A *retained* block has a priority above 0 for a time: the highest of the wishes of `match` and `insert` whose time is
 * not over. Wishes hold for all blocks of the path, from the first on, until the retained blocks fill `retainedPages`;
 * further blocks get none. So a block never has a lower priority than one behind it. Retention is no lock.
 */
export interface PrefixTree extends PageOwner {
  readonly pageTokens: number;
  readonly blockPages: number;
  /** Pages that the tree holds. */
  readonly cachedPages: number;
  /** Pages of locked blocks. */
  readonly lockedPages: number;
  /** Pages of blocks with a priority above 0, as of the latest time that the tree was told. */
  readonly retainedPages: number;

  /**
   * Finds the longest cached prefix, and renews its retention where `keep` says so. Modifies use stamps and priorities,
   * never what is stored. To leave at least one token to compute, pass one token less than the prompt.
   * @throws InvalidArgumentError for a `keep` out of range, before anything changed.
   */
  match(namespace: string, tokens: ArrayLike<number>, keep?: PrefixRetention): PrefixMatch;

  /**
   * Stores `blocks` for `tokens` (exactly `blocks.length * pageTokens` of them). Modifies the tree: blocks that it lacks
   * are retained; for those that it has, the stored pages stay and the given ones are ignored.
   * @throws InvalidArgumentError for a wrong length, a `keep` out of range or a page that is cached already for other
   * tokens, and InvalidPageError for a free page, before anything changed.
   */
  insert(
    namespace: string,
    tokens: ArrayLike<number>,
    blocks: readonly Int32Array[],
    keep?: PrefixRetention,
  ): PrefixInsertion;

  /** Keeps the blocks of a handle from being dropped until as many calls of `unlock`. Modifies lock counts only. */
  lock(handle: PrefixHandle): void;

  /** Takes one lock back. Modifies lock counts only. @throws InvalidHandleError when the handle is not locked. */
  unlock(handle: PrefixHandle): void;

  /**
   * Drops blocks until `pagesWanted` pages are free again or no drop can free any, and returns how many were freed
   * (whole blocks, so it may be more). Modifies the tree.
   *
   * A block can go when no other is behind it and it is not locked. The lowest priority goes first, and among equals what
   * was used least recently. A block all of whose pages others hold, too, stays unless it is behind one that frees some.
   * @param now the time; what is over by then has priority 0. The latest told time unless given; time never goes back.
   */
  evict(pagesWanted: number, now?: number): number;

  /**
   * How many pages `evict` could free now, retained ones included: pages of blocks that are not locked that nobody but
   * the tree holds. Does not modify the tree.
   */
  evictablePages(): number;

  /**
   * How many tokens of `tokens`, in whole blocks behind the longest cached prefix, were stored once and then evicted.
   * Does not modify the tree. The tree remembers the last `lostBlocks` blocks that `evict` dropped. It may do so by
   * hashes, so the answer can be wrong, if hardly ever: good for a reason in a log, not for a decision.
   */
  lost(namespace: string, tokens: ArrayLike<number>): number;

  /**
   * Goes over everything that is stored, each block once, in about the order of use, the latest last. An entry begins
   * with the first `commonTokens` tokens of the one before it, so this rebuilds a tree:
   *
   * ```ts
   * const tokens: number[] = [];
   * const blocks: Int32Array[] = [];
   * for (const entry of tree.entries()) {
   *   tokens.length = entry.commonTokens;
   *   blocks.length = entry.commonTokens / tree.pageTokens;
   *   for (const token of entry.tokens) tokens.push(token);
   *   for (const block of entry.blocks) blocks.push(copyOf(block));
   *   other.insert(entry.namespace, tokens, blocks);
   * }
   * ```
   * (Where the other tree may evict meanwhile, lock each insertion until the next one.)
   *
   * Does not modify the tree, nor may the caller before the end, except by `lock` and `unlock`. To read pages later, lock
   * the entries' handles.
   */
  entries(): Iterable<PrefixEntry>;

  /** Drops every block of a namespace that is not locked, as `reset` does, and returns their number. */
  forget(namespace: string): number;

  /**
   * Drops every block that is not locked, even where sequences hold its pages (they keep them), and returns the number
   * of blocks dropped. Modifies the tree.
   */
  reset(): number;

  /** Checks the tree's own structure and counters. Does not modify the tree. @throws IntegrityError */
  checkIntegrity(): void;
}
