import { IntegrityError, InvalidHandleError, requireInteger } from "./errors.ts";
import type {
  PrefixHandle,
  PrefixInsertion,
  PrefixMatch,
  PrefixTree,
  PrefixTreeOptions,
} from "./prefix-tree.ts";
import { commonLength, DETACHED, RadixNode } from "./radix-node.ts";
import { StoredPages } from "./stored-pages.ts";

class RadixHandle implements PrefixHandle {
  locks = 0;
  readonly tokens: number;
  readonly node: RadixNode;
  constructor(node: RadixNode) {
    this.tokens = node.end;
    this.node = node;
  }
}

/**
 * A radix tree over blocks of tokens, as SGLang's RadixAttention (Zheng et al. 2023, arXiv 2312.07104) keeps one. A
 * match that ends inside a run splits it, so that the blocks of a node always share their use stamp and locks.
 */
export class RadixPrefixTree implements PrefixTree {
  readonly #pages: StoredPages;
  readonly #handles = new WeakSet<PrefixHandle>();
  /** One root per namespace that has blocks. */
  readonly #roots = new Map<string, RadixNode>();
  #lockedBlocks = 0;
  #clock = 0;

  constructor(options: PrefixTreeOptions) {
    this.#pages = new StoredPages(options);
  }

  get pageTokens(): number {
    return this.#pages.pageTokens;
  }

  get blockPages(): number {
    return this.#pages.blockPages;
  }

  get cachedPages(): number {
    return this.#pages.count;
  }

  get lockedPages(): number {
    return this.#lockedBlocks * this.blockPages;
  }

  match(namespace: string, tokens: ArrayLike<number>): PrefixMatch {
    const node = this.#walk(this.#roots.get(namespace) ?? newRoot(), tokens);
    this.#stamp(node);
    const closest = node.closestChild(tokens, node.end, this.pageTokens);
    const partial = closest && { block: closest.child.blocks[0]!, tokens: closest.common };
    const blocks = pathTo(node).flatMap((step) => step.blocks);
    return { tokens: node.end, blocks, handle: this.#handle(node), ...(partial && { partial }) };
  }

  insert(namespace: string, tokens: ArrayLike<number>, blocks: readonly Int32Array[]): PrefixInsertion {
    this.#pages.checkShapes(tokens, blocks);
    const root = this.#roots.get(namespace) ?? newRoot();
    let node = this.#walk(root, tokens);
    const fresh = blocks.slice(node.end / this.pageTokens);
    this.#pages.checkNew(fresh);
    if (fresh.length > 0) {
      const run = Int32Array.from({ length: tokens.length - node.end }, (_, i) => tokens[node.end + i]!);
      const child = new RadixNode(
        node,
        run,
        fresh.map((block) => this.#pages.retain(block)),
      );
      node.adopt(child, this.pageTokens);
      this.#roots.set(namespace, root);
      node = child;
    }
    this.#stamp(node);
    return { newBlocks: fresh.length, handle: this.#handle(node) };
  }

  lock(handle: PrefixHandle): void {
    const own = this.#own(handle);
    if (own.node.end !== own.tokens) throw new InvalidHandleError("The blocks of the handle were evicted.");
    own.locks += 1;
    for (const node of pathTo(own.node)) {
      if (node.locks === 0) this.#lockedBlocks += node.blocks.length;
      node.locks += 1;
    }
  }

  unlock(handle: PrefixHandle): void {
    const own = this.#own(handle);
    if (own.locks === 0) throw new InvalidHandleError("The handle is not locked.");
    own.locks -= 1;
    for (const node of pathTo(own.node)) {
      node.locks -= 1;
      if (node.locks === 0) this.#lockedBlocks -= node.blocks.length;
    }
  }

  evict(pagesWanted: number): number {
    requireInteger("pagesWanted", pagesWanted, 0);
    if (pagesWanted === 0) return 0;
    const leaves = this.#nodes().filter((node) => this.#canTrim(node));
    leaves.sort((a, b) => b.lastUse - a.lastUse);
    let freed = 0;
    for (let leaf = leaves.pop(); leaf !== undefined; leaf = leaves.pop()) {
      while (freed < pagesWanted && leaf.blocks.length > 0 && this.#canTrim(leaf)) {
        freed += this.#pages.release(leaf.blocks.at(-1)!);
        leaf.trim(this.pageTokens);
      }
      if (leaf.blocks.length === 0) {
        const parent = leaf.parent!;
        parent.remove(leaf);
        if (this.#canTrim(parent))
          leaves.splice(leaves.findLastIndex((other) => other.lastUse > parent.lastUse) + 1, 0, parent);
      }
      if (freed >= pagesWanted) break;
    }
    this.#forgetEmptyRoots();
    return freed;
  }

  evictablePages(): number {
    const kept = new Set<RadixNode>();
    let blocks = 0;
    for (const node of this.#nodes().reverse()) {
      const stays = node.locks > 0 || node.children.some((child) => kept.has(child));
      const firstGoing = stays
        ? node.blocks.length
        : node.blocks.findLastIndex((block) => !this.#pages.isUnshared(block)) + 1;
      if (firstGoing > 0) kept.add(node);
      blocks += node.blocks.length - firstGoing;
    }
    return blocks * this.blockPages;
  }

  reset(): number {
    let dropped = 0;
    for (const node of this.#nodes()) {
      if (node.locks > 0) continue;
      for (const block of node.blocks) this.#pages.release(block);
      dropped += node.blocks.length;
      if (node.parent!.end === DETACHED) node.end = DETACHED;
      else node.parent!.remove(node);
    }
    this.#forgetEmptyRoots();
    return dropped;
  }

  countReferences(counts: Int32Array): void {
    for (const node of this.#nodes()) {
      for (const block of node.blocks) for (const page of block) counts[page]! += 1;
    }
  }

  checkIntegrity(): void {
    const differences: string[] = [];
    const { pageTokens } = this;
    const nodes = this.#nodes();
    const require = (holds: boolean, otherwise: string) => {
      if (!holds) differences.push(otherwise);
    };
    for (const node of nodes) {
      const parent = node.parent!;
      const where = `the run that ends at token ${node.end}`;
      require(node.blocks.length > 0 &&
        node.tokens.length ===
          node.blocks.length *
            pageTokens, `${where} has ${node.blocks.length} blocks for ${node.tokens.length} tokens`);
      require(node.end ===
        parent.end +
          node.tokens
            .length, `${where} starts behind token ${parent.end} and has ${node.tokens.length} tokens`);
      require(parent.parent === undefined ||
        (parent.lastUse >= node.lastUse &&
          parent.locks >= node.locks), `${where} is newer or more locked than its parent`);
      require(parent.childStartingWith(node.tokens, 0, pageTokens) ===
        node, `${where} is not found from its parent`);
    }
    const blocks = nodes.reduce((sum, node) => sum + node.blocks.length, 0);
    const locked = nodes.reduce((sum, node) => sum + (node.locks > 0 ? node.blocks.length : 0), 0);
    require(blocks * this.blockPages ===
      this.cachedPages, `${this.cachedPages} pages counted, ${blocks} blocks stored`);
    require(locked === this.#lockedBlocks, `${this.#lockedBlocks} locked blocks counted, ${locked} found`);
    for (const [namespace, root] of this.#roots)
      require(root.children.length > 0, `namespace ${namespace} is empty`);
    if (differences.length > 0) throw new IntegrityError(differences);
  }

  /** The node where the longest cached prefix of whole blocks ends; a run that agrees only in part is split. */
  #walk(root: RadixNode, tokens: ArrayLike<number>): RadixNode {
    const { pageTokens } = this;
    let node = root;
    while (node.end + pageTokens <= tokens.length) {
      const child = node.childStartingWith(tokens, node.end, pageTokens);
      if (!child) break;
      const length = Math.min(child.tokens.length, tokens.length - node.end);
      const blocks = Math.floor(commonLength(child.tokens, tokens, node.end, length) / pageTokens);
      if (blocks < child.blocks.length) return child.split(blocks, pageTokens);
      node = child;
    }
    return node;
  }

  #stamp(node: RadixNode): void {
    this.#clock += 1;
    for (const step of pathTo(node)) step.lastUse = this.#clock;
  }

  /** Whether the last block of a node can go now. */
  #canTrim(node: RadixNode): boolean {
    const last = node.blocks.at(-1);
    return (
      last !== undefined && node.children.length === 0 && node.locks === 0 && this.#pages.isUnshared(last)
    );
  }

  /** All nodes but the roots, each before its children. */
  #nodes(): RadixNode[] {
    const nodes = [...this.#roots.values()].flatMap((root) => root.children);
    for (let i = 0; i < nodes.length; i++) for (const child of nodes[i]!.children) nodes.push(child);
    return nodes;
  }

  #forgetEmptyRoots(): void {
    for (const [namespace, root] of this.#roots)
      if (root.children.length === 0) this.#roots.delete(namespace);
  }

  #handle(node: RadixNode): PrefixHandle {
    const handle = new RadixHandle(node);
    this.#handles.add(handle);
    return handle;
  }

  #own(handle: PrefixHandle): RadixHandle {
    if (!(handle instanceof RadixHandle) || !this.#handles.has(handle))
      throw new InvalidHandleError("The handle is not of this tree.");
    return handle;
  }
}

function newRoot(): RadixNode {
  return new RadixNode(undefined, new Int32Array(0), []);
}

/** The nodes from below the root to `node`, in token order. Empty for a root. */
function pathTo(node: RadixNode): RadixNode[] {
  const path: RadixNode[] = [];
  for (let step = node; step.parent !== undefined; step = step.parent) path.push(step);
  return path.reverse();
}
