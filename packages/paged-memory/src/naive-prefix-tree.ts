import { IntegrityError, requireInteger } from "./errors.ts";
import { commonLength, isBefore, NaiveBlock } from "./naive-block.ts";
import { PrefixHandles } from "./prefix-handles.ts";
import type {
  PrefixEntry,
  PrefixHandle,
  PrefixInsertion,
  PrefixMatch,
  PrefixRetention,
  PrefixTree,
  PrefixTreeOptions,
} from "./prefix-tree.ts";
import { StoredPages } from "./stored-pages.ts";

/** The pool is asked who shares a page, where it matters. */
const UNMOVED = { shared() {}, unshared() {} };

/** A list of blocks, searched from the start: the twin that the radix tree is tested against. */
export class NaivePrefixTree implements PrefixTree {
  readonly #pages: StoredPages;
  readonly #handles = new PrefixHandles<readonly NaiveBlock[]>();
  #blocks: NaiveBlock[] = [];
  /** Names of the last blocks that were evicted, the latest last; nothing where one is stored again. */
  #lost: (string | undefined)[] = [];
  #clock = 0;
  #now = Number.NEGATIVE_INFINITY;

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

  get retainedPages(): number {
    return this.#blocks.filter((block) => block.priority(this.#now) > 0).length * this.blockPages;
  }

  match(namespace: string, tokens: ArrayLike<number>, keep?: PrefixRetention): PrefixMatch {
    this.#pages.checkRetention(keep);
    const path = this.#use(namespace, Array.from(tokens), keep);
    const matched = path.length * this.pageTokens;
    const blocks = path.map((block) => block.pages);
    const partial = this.#partial(namespace, Array.from(tokens), matched);
    return { tokens: matched, blocks, handle: this.#handle(path), ...(partial && { partial }) };
  }

  insert(
    namespace: string,
    tokens: ArrayLike<number>,
    blocks: readonly Int32Array[],
    keep?: PrefixRetention,
  ): PrefixInsertion {
    this.#pages.checkShapes(tokens, blocks);
    this.#pages.checkRetention(keep);
    const key = Array.from(tokens);
    const known = this.#find(namespace, key).length;
    this.#pages.checkNew(blocks.slice(known));
    for (let i = known; i < blocks.length; i++) {
      const block = new NaiveBlock(namespace, key.slice(0, (i + 1) * this.pageTokens), blocks[i]!.slice());
      this.#pages.retain(block.pages, UNMOVED);
      this.#lost = this.#lost.map((name) => (name === block.name ? undefined : name));
      this.#blocks.push(block);
    }
    return { newBlocks: blocks.length - known, handle: this.#handle(this.#use(namespace, key, keep)) };
  }

  lock(handle: PrefixHandle): void {
    const path = this.#handles.lock(handle, (blocks) =>
      blocks.every((block) => this.#blocks.includes(block)),
    );
    for (const block of path) block.locks += 1;
  }

  unlock(handle: PrefixHandle): void {
    for (const block of this.#handles.unlock(handle)) block.locks -= 1;
  }

  evict(pagesWanted: number, now: number = this.#now): number {
    requireInteger("pagesWanted", pagesWanted, 0);
    this.#pages.checkTime("now", now);
    this.#now = Math.max(this.#now, now);
    let freed = 0;
    while (freed < pagesWanted) {
      const [first] = this.#blocks
        .filter((block) => this.#canGo(block))
        .sort((a, b) => a.priority(this.#now) - b.priority(this.#now) || a.lastUse - b.lastUse);
      if (!first) break;
      freed += this.#drop([first]);
      this.#lost.push(first.name);
      if (this.#lost.length > this.#pages.lostBlocks) this.#lost.shift();
    }
    return freed;
  }

  evictablePages(): number {
    return this.#blocks.reduce((sum, block) => sum + this.#freeable(block), 0);
  }

  lost(namespace: string, tokens: ArrayLike<number>): number {
    const key = Array.from(tokens);
    const matched = this.#find(namespace, key).length * this.pageTokens;
    let end = matched;
    while (end + this.pageTokens <= key.length) {
      const block = new NaiveBlock(namespace, key.slice(0, end + this.pageTokens), new Int32Array(0));
      if (!this.#lost.includes(block.name)) break;
      end += this.pageTokens;
    }
    return end - matched;
  }

  *entries(): Generator<PrefixEntry> {
    let before: readonly NaiveBlock[] = [];
    for (const path of this.#leafPaths([])) {
      const common = path.filter((block) => before.includes(block)).length;
      const commonTokens = common * this.pageTokens;
      yield {
        namespace: path[0]!.namespace,
        commonTokens,
        tokens: Int32Array.from(path.at(-1)!.tokens.slice(commonTokens)),
        blocks: path.slice(common).map((block) => block.pages),
        handle: this.#handle(path),
      };
      before = path;
    }
  }

  forget(namespace: string): number {
    const going = this.#blocks.filter((block) => block.namespace === namespace && block.locks === 0);
    this.#drop(going);
    return going.length;
  }

  reset(): number {
    const going = this.#blocks.filter((block) => block.locks === 0);
    this.#drop(going);
    return going.length;
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

  #find(namespace: string, tokens: readonly number[]): NaiveBlock[] {
    const whole = this.#blocks.filter((block) => block.isPrefixOf(namespace, tokens));
    return whole.sort((a, b) => a.tokens.length - b.tokens.length);
  }

  #use(namespace: string, tokens: readonly number[], keep: PrefixRetention | undefined): NaiveBlock[] {
    const path = this.#find(namespace, tokens);
    this.#clock += 1;
    this.#now = Math.max(this.#now, keep?.now ?? this.#now);
    for (const block of path) {
      block.lastUse = this.#clock;
      const isRetained = block.priority(this.#now) > 0;
      const hasRoom = this.retainedPages / this.blockPages < this.#pages.retainedBlocks;
      if (keep && (isRetained || hasRoom)) block.wishes.push(keep);
    }
    return path;
  }

  #drop(blocks: readonly NaiveBlock[]): number {
    this.#blocks = this.#blocks.filter((block) => !blocks.includes(block));
    return blocks.reduce((freed, block) => freed + this.#pages.release(block.pages, UNMOVED), 0);
  }

  #partial(namespace: string, tokens: readonly number[], matched: number): PrefixMatch["partial"] {
    let best: NaiveBlock | undefined;
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

  /** Pages that are free once a block has gone. */
  #freeable(block: NaiveBlock): number {
    return block.locks > 0 ? 0 : this.#pages.unshared(block.pages);
  }

  #canGo(block: NaiveBlock): boolean {
    const path = this.#find(block.namespace, block.tokens);
    const isLeaf = this.#blocks.every(
      (other) => other === block || !block.isPrefixOf(other.namespace, other.tokens),
    );
    return isLeaf && block.locks === 0 && path.some((step) => this.#freeable(step) > 0);
  }

  /** The paths to all leaves behind a path, depth first, the latest used last. */
  #leafPaths(path: readonly NaiveBlock[]): (readonly NaiveBlock[])[] {
    const last = path.at(-1);
    const next = this.#blocks.filter(
      (block) =>
        block.tokens.length === (path.length + 1) * this.pageTokens &&
        (!last || last.isPrefixOf(block.namespace, block.tokens)),
    );
    if (last && next.length === 0) return [path];
    return next.sort((a, b) => a.lastUse - b.lastUse).flatMap((block) => this.#leafPaths([...path, block]));
  }

  #handle(path: readonly NaiveBlock[]): PrefixHandle {
    return this.#handles.create(path.length * this.pageTokens, path);
  }
}
