import type { PagePool } from "@kvasir/paged-memory";
import type { Model } from "@kvasir/runtime";
import { EngineError } from "./engine-error.ts";
import type { PageBounds } from "./page-bounds.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import type { Sequence } from "./sequence.ts";

/** Cached pages are dropped so many at a time at least, as a share of all pages: finding them has a price. */
const leastShare = 1 / 256;

/**
 * Who may begin, and where pages come from. Pages are taken as they are written; a sequence is admitted when those that
 * it needs soon, and those that running ones need soon, are free or held by the cache alone.
 */
export class PageSupply {
  readonly #pool: PagePool;
  readonly #cache: PrefixCache;
  readonly #kvLayers: number;
  readonly #kvHeads: number;
  readonly #pageTokens: number;
  readonly #chunkTokens: number;
  readonly #giveWay: () => boolean;

  constructor(
    pool: PagePool,
    cache: PrefixCache,
    { kvLayers, kvHeads }: Pick<Model, "kvLayers" | "kvHeads">,
    {
      pageTokens,
      chunkTokens,
      giveWay,
    }: {
      readonly pageTokens: number;
      readonly chunkTokens: number;
      /** Asks others who hold pages to give them up; false where there is nobody. */
      readonly giveWay: () => boolean;
    },
  ) {
    this.#pool = pool;
    this.#cache = cache;
    this.#kvLayers = kvLayers;
    this.#kvHeads = kvHeads;
    this.#pageTokens = pageTokens;
    this.#chunkTokens = chunkTokens;
    this.#giveWay = giveWay;
  }

  /** Throws `out-of-pages` where the sequence could not run even alone. */
  requirePossible(sequence: Sequence): void {
    sequence.bounds = this.#boundsOf(sequence);
    const need = Math.max(sequence.bounds.prefill, sequence.bounds.decode);
    if (need <= this.#pool.capacity) return;
    throw new EngineError(
      "out-of-pages",
      `${sequence.promptLength} prompt tokens and up to ${sequence.maxLength - sequence.promptLength} new ones may need ` +
        `${need} pages at once; the KV memory has ${this.#pool.capacity}. Ask for fewer tokens, a smaller KV budget, or give it more memory`,
      "maxTokens",
    );
  }

  /**
   * Whether a sequence, which has its shared pages already, finds what it and those that run need soon.
   * @param restored pages that it takes for contents that it had before
   */
  hasRoom(sequence: Sequence, running: readonly Sequence[], restored = 0): boolean {
    if (running.length === 0) return true;
    const own =
      Math.max(restored, this.#soon(sequence)) + (restored > 0 ? this.#pagesFor(this.#ahead(sequence)) : 0);
    const wanted = running.reduce((sum, one) => sum + this.#soon(one), own);
    return wanted <= this.#pool.freePages + this.#cache.cachedPages;
  }

  /** Makes so many pages free by dropping cached ones, least valuable first; false where there are not enough. */
  provide(pages: number): boolean {
    if (this.#find(pages)) return true;
    return this.#giveWay() && this.#find(pages);
  }

  #find(pages: number): boolean {
    const { freePages, capacity } = this.#pool;
    if (pages > freePages) {
      const missing = pages - freePages;
      this.#cache.tree.evict(Math.max(missing, Math.ceil(capacity * leastShare)), Date.now());
    }
    return pages <= this.#pool.freePages;
  }

  /** Pages of all heads for so many slots in each. */
  #pagesFor(slots: number): number {
    return Math.ceil(slots / this.#pageTokens) * this.#kvLayers * this.#kvHeads;
  }

  /** Pages that a sequence takes before its next ones can be thought about. */
  #soon(sequence: Sequence): number {
    const { promptLength, maxLength, policy, tokens, logical } = sequence;
    const held = sequence.pages?.pageCount ?? 0;
    const bounds = sequence.bounds!;
    const ahead = this.#ahead(sequence);
    if (policy.evicts) {
      if (logical >= promptLength) return Math.min(this.#pagesFor(ahead), Math.max(0, bounds.decode - held));
      // What is kept of its prompt is written in place where there is no room to leave the prompt to the cache.
      return Math.max(0, bounds.prefill - held);
    }
    const length = Math.min(maxLength, Math.max(tokens.length, promptLength) + ahead);
    return Math.max(0, this.#pagesFor(length) - held);
  }

  /** Slots to come that are looked after. One that was preempted gets twice as many as before: so everybody gets on. */
  #ahead({ preemptions, maxLength, tokens }: Sequence): number {
    return Math.min(this.#pageTokens * 2 ** Math.min(preemptions, 10), maxLength - tokens.length);
  }

  #boundsOf({ policy, promptLength, maxLength }: Sequence): PageBounds {
    let [before, after] = [0, 0];
    for (let layer = 0; layer < this.#kvLayers; layer++) {
      const size = {
        layer,
        prompt: promptLength,
        maxNew: maxLength - promptLength,
        chunk: this.#chunkTokens,
      };
      const { prefill, decode } = policy.maximumResident(size);
      before += Math.ceil(prefill / this.#pageTokens) * this.#kvHeads;
      after += Math.ceil(decode / this.#pageTokens) * this.#kvHeads;
    }
    return { prefill: before, decode: after };
  }
}
