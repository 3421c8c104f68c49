import { IntegrityError, InvalidHandleError, requireInteger } from "./errors.ts";
import type {
  PrefixHandle,
  PrefixInsertion,
  PrefixMatch,
  PrefixTree,
  PrefixTreeOptions,
} from "./prefix-tree.ts";
import { StoredPages } from "./stored-pages.ts";

interface StoredBlock {
  readonly namespace: string;
  /** All tokens up to and including this block's. */
  readonly tokens: readonly number[];
  readonly pages: Int32Array;
  lastUse: number;
  locks: number;
}

class NaiveHandle implements PrefixHandle {
  locks = 0;
  readonly tokens: number;
  readonly path: readonly StoredBlock[];
  constructor(tokens: number, path: readonly StoredBlock[]) {
    this.tokens = tokens;
    this.path = path;
  }
}

/** A list of blocks, searched from the start: the twin that the radix tree is tested against. */
export class NaivePrefixTree implements PrefixTree {
  readonly #pages: StoredPages;
  readonly #handles = new WeakSet<PrefixHandle>();
  #blocks: StoredBlock[] = [];
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
    return this.#blocks.length * this.blockPages;
  }

  get lockedPages(): number {
    return this.#blocks.filter((block) => block.locks > 0).length * this.blockPages;
  }

  match(namespace: string, tokens: ArrayLike<number>): PrefixMatch {
    const path = this.#use(namespace, Array.from(tokens));
    const matched = path.length * this.pageTokens;
    const blocks = path.map((block) => block.pages);
    const partial = this.#partial(namespace, Array.from(tokens), matched);
    return { tokens: matched, blocks, handle: this.#handle(path), ...(partial && { partial }) };
  }

  insert(namespace: string, tokens: ArrayLike<number>, blocks: readonly Int32Array[]): PrefixInsertion {
    this.#pages.checkShapes(tokens, blocks);
    const key = Array.from(tokens);
    const known = this.#find(namespace, key).length;
    this.#pages.checkNew(blocks.slice(known));
    for (let i = known; i < blocks.length; i++) {
      const prefix = key.slice(0, (i + 1) * this.pageTokens);
      this.#blocks.push({
        namespace,
        tokens: prefix,
        pages: this.#pages.retain(blocks[i]!),
        lastUse: 0,
        locks: 0,
      });
    }
    return { newBlocks: blocks.length - known, handle: this.#handle(this.#use(namespace, key)) };
  }

  lock(handle: PrefixHandle): void {
    const own = this.#own(handle);
    if (!own.path.every((block) => this.#blocks.includes(block)))
      throw new InvalidHandleError("The blocks of the handle were evicted.");
    own.locks += 1;
    for (const block of own.path) block.locks += 1;
  }

  unlock(handle: PrefixHandle): void {
    const own = this.#own(handle);
    if (own.locks === 0) throw new InvalidHandleError("The handle is not locked.");
    own.locks -= 1;
    for (const block of own.path) block.locks -= 1;
  }

  evict(pagesWanted: number): number {
    requireInteger("pagesWanted", pagesWanted, 0);
    let freed = 0;
    while (freed < pagesWanted) {
      const [oldest] = this.#blocks
        .filter((block) => this.#canGo(block, this.#blocks))
        .sort((a, b) => a.lastUse - b.lastUse);
      if (!oldest) break;
      this.#blocks = this.#blocks.filter((block) => block !== oldest);
      freed += this.#pages.release(oldest.pages);
    }
    return freed;
  }

  evictablePages(): number {
    let left = this.#blocks;
    for (;;) {
      const staying = left.filter((block) => !this.#canGo(block, left));
      if (staying.length === left.length) return (this.#blocks.length - left.length) * this.blockPages;
      left = staying;
    }
  }

  reset(): number {
    const dropped = this.#blocks.filter((block) => block.locks === 0);
    this.#blocks = this.#blocks.filter((block) => block.locks > 0);
    for (const block of dropped) this.#pages.release(block.pages);
    return dropped.length;
  }

  countReferences(counts: Int32Array): void {
    for (const block of this.#blocks) for (const page of block.pages) counts[page]! += 1;
  }

  checkIntegrity(): void {
    const differences = this.#blocks
      .filter(
        (block) => this.#find(block.namespace, block.tokens).length * this.pageTokens !== block.tokens.length,
      )
      .map((block) => `the blocks before a block of ${block.tokens.length} tokens are missing`);
    if (this.#pages.count !== this.cachedPages)
      differences.push(`${this.#pages.count} pages counted, ${this.cachedPages} stored`);
    if (differences.length > 0) throw new IntegrityError(differences);
  }

  #find(namespace: string, tokens: readonly number[]): StoredBlock[] {
    const path: StoredBlock[] = [];
    for (let end = this.pageTokens; end <= tokens.length; end += this.pageTokens) {
      const next = this.#blocks.find(
        (block) =>
          block.namespace === namespace &&
          block.tokens.length === end &&
          commonLength(block.tokens, tokens) === end,
      );
      if (!next) break;
      path.push(next);
    }
    return path;
  }

  #use(namespace: string, tokens: readonly number[]): StoredBlock[] {
    const path = this.#find(namespace, tokens);
    this.#clock += 1;
    for (const block of path) block.lastUse = this.#clock;
    return path;
  }

  #partial(namespace: string, tokens: readonly number[], matched: number): PrefixMatch["partial"] {
    let best: StoredBlock | undefined;
    let longest = matched;
    for (const block of this.#blocks) {
      if (block.namespace !== namespace || block.tokens.length !== matched + this.pageTokens) continue;
      const common = commonLength(block.tokens, tokens);
      const comesFirst = common === longest && best !== undefined && isBefore(block.tokens, best.tokens);
      if (common > longest || comesFirst) best = block;
      longest = Math.max(longest, common);
    }
    return best && { block: best.pages, tokens: longest - matched };
  }

  #canGo(block: StoredBlock, among: readonly StoredBlock[]): boolean {
    const length = block.tokens.length;
    const isLeaf = !among.some(
      (other) =>
        other.namespace === block.namespace &&
        other.tokens.length > length &&
        commonLength(other.tokens, block.tokens) === length,
    );
    return isLeaf && block.locks === 0 && this.#pages.isUnshared(block.pages);
  }

  #handle(path: readonly StoredBlock[]): PrefixHandle {
    const handle = new NaiveHandle(path.length * this.pageTokens, path);
    this.#handles.add(handle);
    return handle;
  }

  #own(handle: PrefixHandle): NaiveHandle {
    if (!(handle instanceof NaiveHandle) || !this.#handles.has(handle))
      throw new InvalidHandleError("The handle is not of this tree.");
    return handle;
  }
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return i;
  return length;
}

/** Lexicographic order of two lists of equal length. */
function isBefore(a: readonly number[], b: readonly number[]): boolean {
  const at = commonLength(a, b);
  return at < a.length && a[at]! < b[at]!;
}
