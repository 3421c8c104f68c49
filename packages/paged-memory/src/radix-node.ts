/** A run of blocks that are always used together, behind its parent's run. Tokens and blocks go in step. */
export class RadixNode {
  parent: RadixNode | undefined;
  /** The run's own tokens, `blocks.length * pageTokens`. Empty for a root. */
  tokens: Int32Array;
  blocks: Int32Array[];
  /** Runs that continue this one, ordered by their tokens. No two begin with the same block. */
  children: RadixNode[] = [];
  /** Locks on this run or behind it: never more than the parent's. */
  locks = 0;
  lastUse = 0;
  /** Tokens from the root to the end of this run; {@link DETACHED} once it is out of the tree. */
  end: number;

  constructor(parent: RadixNode | undefined, tokens: Int32Array, blocks: Int32Array[]) {
    this.parent = parent;
    this.tokens = tokens;
    this.blocks = blocks;
    this.end = (parent?.end ?? 0) + tokens.length;
  }

  /** The child whose first block is `tokens[at..at + pageTokens - 1]`. */
  childStartingWith(tokens: ArrayLike<number>, at: number, pageTokens: number): RadixNode | undefined {
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
  ): { child: RadixNode; common: number } | undefined {
    const length = Math.min(pageTokens, tokens.length - at);
    const i = lowerBound(this.children, tokens, at, length);
    const sharedBy = (child?: RadixNode) => (child ? commonLength(child.tokens, tokens, at, length) : 0);
    const common = Math.max(sharedBy(this.children[i - 1]), sharedBy(this.children[i]));
    if (common === 0) return undefined;
    return { child: this.children[lowerBound(this.children, tokens, at, common)]!, common };
  }

  /** Adds a child that no child shares its first block with. */
  adopt(child: RadixNode, pageTokens: number): void {
    this.children.splice(lowerBound(this.children, child.tokens, 0, pageTokens), 0, child);
    child.parent = this;
  }

  remove(child: RadixNode): void {
    this.children.splice(this.children.indexOf(child), 1);
    child.end = DETACHED;
  }

  /** Moves the first `blocks` blocks into a new parent between this node and its old one, and returns that parent. */
  split(blocks: number, pageTokens: number): RadixNode {
    const at = blocks * pageTokens;
    const parent = this.parent!;
    const upper = new RadixNode(parent, this.tokens.subarray(0, at), this.blocks.slice(0, blocks));
    upper.locks = this.locks;
    upper.lastUse = this.lastUse;
    upper.children = [this];
    parent.children[parent.children.indexOf(this)] = upper;
    this.parent = upper;
    this.tokens = this.tokens.subarray(at);
    this.blocks = this.blocks.slice(blocks);
    return upper;
  }

  /** Takes the last block off. */
  trim(pageTokens: number): void {
    this.blocks.pop();
    this.tokens = this.tokens.subarray(0, this.tokens.length - pageTokens);
    this.end -= pageTokens;
  }
}

/** The `end` of a node that is no longer in the tree. */
export const DETACHED = -1;

/** How many of `tokens[at..at + length - 1]` the run's first tokens agree with. */
export function commonLength(run: Int32Array, tokens: ArrayLike<number>, at: number, length: number): number {
  for (let i = 0; i < length; i++) if (run[i] !== tokens[at + i]) return i;
  return length;
}

/** Index of the first node whose leading `length` tokens are not before `tokens[at..]`, in lexicographic order. */
function lowerBound(
  nodes: readonly RadixNode[],
  tokens: ArrayLike<number>,
  at: number,
  length: number,
): number {
  let low = 0;
  let high = nodes.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const run = nodes[middle]!.tokens;
    const common = commonLength(run, tokens, at, length);
    if (common < length && run[common]! < tokens[at + common]!) low = middle + 1;
    else high = middle;
  }
  return low;
}
