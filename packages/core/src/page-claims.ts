import { EngineError } from "./engine-error.ts";
import type { PageSupply } from "./page-supply.ts";
import { preemptedFirst } from "./preemption.ts";
import type { PrefixCache } from "./prefix-cache.ts";
import type { Scheduled } from "./schedule.ts";
import type { Sequence } from "./sequence.ts";
import { type Choice, freshPages } from "./sequence-compaction.ts";

export type PageClaimsOptions = {
  readonly supply: PageSupply;
  readonly cache: PrefixCache;
  /** Running sequences whose pages may be taken. */
  readonly candidates: () => readonly Sequence[];
  /** Takes a sequence's pages and its place among those that run. */
  readonly preempt: (sequence: Sequence) => void;
};

/**
 * Finds pages in this order: free ones; cached prefixes that nobody uses; those of the least urgent and newest sequence,
 * again and again. Only a sequence that is alone and still lacks pages fails, never another.
 */
export class PageClaims {
  readonly #options: PageClaimsOptions;

  constructor(options: PageClaimsOptions) {
    this.#options = options;
  }

  /** Those of a step that find their pages; nobody, where all pages are with sequences that cannot be stopped now. */
  forStep(
    scheduled: readonly Scheduled<Sequence>[],
    fail: (sequence: Sequence, error: EngineError) => void,
  ): readonly Scheduled<Sequence>[] {
    let left = scheduled;
    while (left.length > 0) {
      const needed = left.reduce((sum, { sequence, rows }) => sum + sequence.pages!.pagesNeeded(rows), 0);
      if (this.#options.supply.provide(needed)) return left;
      const candidates = this.#options.candidates();
      const next = preemptedFirst(candidates, () => true);
      if (!next) return [];
      if (candidates.length > 1) this.#options.preempt(next);
      else fail(next, outOfPages(needed));
      left = left.filter(({ sequence }) => sequence !== next);
    }
    return left;
  }

  /** Makes room for pages that an eviction writes instead of shared ones. Takes none of the sequences' own. */
  forEviction(work: ReadonlyMap<Sequence, readonly Choice[]>): void {
    const { supply, cache } = this.#options;
    const needed = () => {
      let pages = 0;
      for (const [sequence, choices] of work)
        if (sequence.pages) pages += freshPages(sequence.pages, choices);
      return pages;
    };
    if (supply.provide(needed())) return;
    // What only the cache shares with them, they can write to in place once it is not cached.
    for (const { sharing } of work.keys()) cache.tree.forget(sharing.namespace);
    while (!supply.provide(needed())) {
      const next = preemptedFirst(this.#options.candidates(), (one) => !work.has(one));
      if (!next) return; // `keep` then says which of them lacks pages
      this.#options.preempt(next);
    }
  }
}

function outOfPages(needed: number): EngineError {
  return new EngineError("out-of-pages", `a step needs ${needed} pages, and no more are to be had`);
}
