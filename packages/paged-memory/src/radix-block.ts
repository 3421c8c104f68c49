import type { PageWatcher } from "./page-pool.ts";

/** What a radix tree knows without a walk; its blocks keep it. */
export class RadixCensus {
  lockedBlocks = 0;
  /** Pages of blocks that are not locked that nobody but the tree holds. */
  evictablePages = 0;
}

/** A block in a radix tree, behind its parent. A root has neither tokens nor pages, and no parent. */
export class RadixBlock implements PageWatcher {
  readonly namespace: string;
  readonly parent: RadixBlock | undefined;
  /** Its own `pageTokens` tokens. */
  readonly tokens: Int32Array;
  readonly pages: Int32Array;
  /** Tokens from the start to its end. */
  readonly end: number;
  /** Of the namespace and all tokens to its end. */
  readonly hash: number;
  readonly #census: RadixCensus;
  /** Blocks that continue this one, ordered by their tokens. */
  readonly children: RadixBlock[] = [];
  /** Locks of handles that end here, and blocks behind this one that have any: never more in all than its parent's. */
  locks = 0;
  /** Pages that nobody but the tree holds. */
  unsharedPages = 0;
  lastUse = 0;
  /** What it counts as in the order of eviction: 0, or as long as it is retained up to 99. */
  priority = 0;
  isStored = true;

  constructor(
    at: { readonly namespace: string; readonly parent?: RadixBlock; readonly hash: number },
    tokens: Int32Array,
    pages: Int32Array,
    census: RadixCensus,
  ) {
    this.namespace = at.namespace;
    this.parent = at.parent;
    this.hash = at.hash;
    this.tokens = tokens;
    this.pages = pages;
    this.end = (at.parent?.end ?? 0) + tokens.length;
    this.#census = census;
  }

  get isRoot(): boolean {
    return this.parent === undefined;
  }

  /** Whether it can go: nothing is behind it, and no lock on it. */
  get isFreeLeaf(): boolean {
    return this.children.length === 0 && this.locks === 0 && !this.isRoot;
  }

  shared(): void {
    this.unsharedPages -= 1;
    if (this.locks === 0) this.#census.evictablePages -= 1;
  }

  unshared(): void {
    this.unsharedPages += 1;
    if (this.locks === 0) this.#census.evictablePages += 1;
  }

  /** One more lock, on this block and so on all before it. */
  lock(): void {
    for (let block: RadixBlock = this; block.parent; block = block.parent) {
      block.locks += 1;
      if (block.locks > 1) return;
      this.#census.lockedBlocks += 1;
      this.#census.evictablePages -= block.unsharedPages;
    }
  }

  unlock(): void {
    for (let block: RadixBlock = this; block.parent; block = block.parent) {
      block.locks -= 1;
      if (block.locks > 0) return;
      this.#census.lockedBlocks -= 1;
      this.#census.evictablePages += block.unsharedPages;
    }
  }

  /** Whether pages are free once it and what is in front of it have gone as far as locks allow. */
  leadsToUnsharedPages(): boolean {
    for (let block: RadixBlock = this; block.parent && block.locks === 0; block = block.parent)
      if (block.unsharedPages > 0) return true;
    return false;
  }

  /** From the first block to this one. Empty for a root. */
  path(): RadixBlock[] {
    const path: RadixBlock[] = [];
    for (let block: RadixBlock = this; block.parent; block = block.parent) path.push(block);
    return path.reverse();
  }

  /** All blocks behind this one, each before those behind it. */
  behind(): RadixBlock[] {
    const blocks = [...this.children];
    for (let i = 0; i < blocks.length; i++) for (const child of blocks[i]!.children) blocks.push(child);
    return blocks;
  }

  /** The child whose tokens are `tokens[at..at + pageTokens - 1]`. */
  child(tokens: ArrayLike<number>, at: number, pageTokens: number): RadixBlock | undefined {
    const child = this.children[lowerBound(this.children, tokens, at, pageTokens)];
    return child && commonLength(child.tokens, tokens, at, pageTokens) === pageTokens ? child : undefined;
  }

  /**
   * The first child, in token order, that shares the most leading tokens with `tokens[at..]`, and how many: neighbours
   * in the order share the most.
   */
  closestChild(
    tokens: ArrayLike<number>,
    at: number,
    pageTokens: number,
  ): { child: RadixBlock; common: number } | undefined {
    const length = Math.min(pageTokens, tokens.length - at);
    const i = lowerBound(this.children, tokens, at, length);
    const sharedBy = (child?: RadixBlock) => (child ? commonLength(child.tokens, tokens, at, length) : 0);
    const common = Math.max(sharedBy(this.children[i - 1]), sharedBy(this.children[i]));
    if (common === 0) return undefined;
    return { child: this.children[lowerBound(this.children, tokens, at, common)]!, common };
  }

  /** Adds a child that no other has the tokens of. */
  adopt(child: RadixBlock): void {
    this.children.splice(lowerBound(this.children, child.tokens, 0, child.tokens.length), 0, child);
  }

  /** Takes the block out of the tree; nothing is behind it, and it is not locked. */
  detach(): void {
    const { children } = this.parent!;
    children.splice(lowerBound(children, this.tokens, 0, this.tokens.length), 1);
    this.#census.evictablePages -= this.unsharedPages;
    this.isStored = false;
  }
}

/** How many of `tokens[at..at + length - 1]` a block's first tokens agree with. */
function commonLength(own: Int32Array, tokens: ArrayLike<number>, at: number, length: number): number {
  for (let i = 0; i < length; i++) if (own[i] !== tokens[at + i]) return i;
  return length;
}

/** Index of the first block whose leading `length` tokens are not before `tokens[at..]`, in lexicographic order. */
function lowerBound(
  blocks: readonly RadixBlock[],
  tokens: ArrayLike<number>,
  at: number,
  length: number,
): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const own = blocks[middle]!.tokens;
    const common = commonLength(own, tokens, at, length);
    if (common < length && own[common]! < tokens[at + common]!) low = middle + 1;
    else high = middle;
  }
  return low;
}
