import { type PagePool, type PrefixTree, RadixPrefixTree, type SequencePages } from "@kvasir/paged-memory";
import type { Model } from "@kvasir/runtime";
import type { CacheReason, CacheReport } from "./generation.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Prefixes in use by the engine: a sequence begins with the pages of the longest one that is stored, and leaves its own
 * (RadixAttention, Zheng et al. 2023, arXiv 2312.07104). All pages of the tree that no sequence uses are as good as free.
 */
export class PrefixCache {
  readonly tree: PrefixTree;
  readonly #pageTokens: number;
  /** Prompt tokens that were looked up, and that were found. */
  queryTokens = 0;
  hitTokens = 0;

  constructor(
    pool: PagePool,
    { kvLayers, kvHeads }: Pick<Model, "kvLayers" | "kvHeads">,
    pageTokens: number,
  ) {
    this.tree = new RadixPrefixTree({ pool, pageTokens, blockPages: kvLayers * kvHeads });
    this.#pageTokens = pageTokens;
  }

  /** Pages that only the tree holds. */
  get cachedPages(): number {
    return this.tree.evictablePages();
  }

  /** Gives the empty `pages` of a sequence the longest prefix that it may use; tells how many tokens that are, and why no more. */
  share(sequence: Sequence, pages: SequencePages): CacheReport {
    const { sharing, tokens, promptLength: total } = sequence;
    const { namespace, most, grid, limit } = sharing;
    const report = (matched: number, reason: CacheReason): CacheReport => ({
      matched,
      total,
      firstDifference: matched,
      reason,
    });
    if (most === 0) return report(0, limit ?? this.#missed(0, total - 1));
    // What was generated before a preemption is stored like a prompt, where it may be.
    const end = sharing.stores === "all" ? Math.max(most, tokens.length - 1) : most;
    const wanted = tokens.view(0, end);
    const match = this.tree.match(namespace, wanted, sequence.keep());
    const found = match.tokens + (match.partial?.tokens ?? 0);
    const usable = Math.floor(found / grid) * grid;
    if (usable > 0) {
      const whole = Math.ceil(usable / this.#pageTokens);
      const blocks = match.blocks.slice(0, whole);
      if (blocks.length < whole) blocks.push(match.partial!.block);
      pages.share(blocks, usable);
    }
    const matched = Math.min(usable, total);
    if (usable >= end) return report(matched, limit === "policy" ? limit : "hit");
    if (usable < found || (grid > 1 && end - usable < grid)) return report(matched, "chunk");
    if (this.tree.lost(namespace, wanted) > 0) return report(matched, "evicted");
    return report(matched, this.#missed(usable, end));
  }

  /** Gives the empty `pages` of a sequence the whole blocks of its first `seen` tokens that are stored; returns how many. */
  shareBlocks({ sharing, tokens }: Sequence, pages: SequencePages, seen: number): number {
    if (sharing.stores === "nothing") return 0;
    const match = this.tree.match(sharing.namespace, tokens.view(0, seen));
    if (match.tokens > 0) pages.share(match.blocks, match.tokens);
    return match.blocks.length;
  }

  /** Leaves the whole blocks that a sequence has computed so far to others; to be called between steps. */
  store(sequence: Sequence): void {
    const { pages, sharing, promptLength, logical } = sequence;
    if (!pages || sharing.stores === "nothing") return;
    const end = sharing.stores === "prompt" ? Math.min(promptLength, logical) : logical;
    const blocks = Math.floor(Math.min(end, pages.intactTokens) / this.#pageTokens);
    if (blocks <= sequence.storedBlocks) return;
    sequence.storedBlocks = blocks;
    const tokens = sequence.tokens.view(0, blocks * this.#pageTokens);
    const list = Array.from({ length: blocks }, (_, i) => pages.block(i));
    this.tree.insert(sharing.namespace, tokens, list, sequence.keep());
  }

  /** Takes note of a prompt that was admitted for the first time. */
  count({ matched, total, reason }: CacheReport): void {
    if (reason === "off") return;
    this.queryTokens += total;
    this.hitTokens += matched;
  }

  /** Whether another sequence is about to leave more of a prompt than is stored now: waiting for that is cheaper. */
  isComing(sequence: Sequence, running: readonly Sequence[], matched: number): boolean {
    const { sharing, tokens } = sequence;
    if (sharing.most === 0) return false;
    const step = Math.max(this.#pageTokens, sharing.grid);
    return running.some((other) => {
      if (other === sequence || other.sharing.stores === "nothing" || !other.pages) return false;
      if (other.sharing.namespace !== sharing.namespace || other.logical >= other.promptLength) return false;
      const most = Math.min(sharing.most, other.promptLength);
      if (matched + step > most) return false;
      const common = commonLength(tokens.view(0, most), other.tokens.view(0, most));
      return Math.floor(common / step) * step > matched;
    });
  }

  #missed(found: number, end: number): CacheReason {
    return end - found < this.#pageTokens ? "partial-block" : "miss";
  }
}

function commonLength(a: Int32Array, b: Int32Array): number {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return i;
}
