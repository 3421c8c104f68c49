import { IntegrityError } from "./errors.ts";
import type { PageOwner, PagePool } from "./page-pool.ts";
import type { PrefixTree } from "./prefix-tree.ts";

export interface IntegrityOptions {
  readonly pool: PagePool;
  /** Every sequence that holds pages of the pool, and whoever else does for a while. */
  readonly sequences: Iterable<PageOwner>;
  /** Every prefix tree over the pool; none unless told. */
  readonly trees?: Iterable<PrefixTree>;
}

/** Pages by who holds them: `free + owned + cached = total`. */
export interface PageCensus {
  readonly free: number;
  /** Held by at least one sequence. */
  readonly owned: number;
  /** Held by prefix trees alone. */
  readonly cached: number;
  readonly total: number;
}

/**
 * Checks that free + owned + cached = total and that the reference count of every page is the number of its owners.
 * Does not modify anything; costs one pass over all page tables.
 * @throws IntegrityError that names each page that differs.
 */
export function checkIntegrity({ pool, sequences, trees = [] }: IntegrityOptions): PageCensus {
  pool.checkIntegrity();
  const bySequences = countReferences(pool, sequences);
  const checkedTrees = [...trees];
  for (const tree of checkedTrees) tree.checkIntegrity();
  const byTrees = countReferences(pool, checkedTrees);
  const differences: string[] = [];
  let owned = 0;
  let cached = 0;
  for (let page = 0; page < pool.capacity; page++) {
    const owners = bySequences[page]! + byTrees[page]!;
    if (pool.references(page) !== owners) {
      differences.push(`page ${page} has a count of ${pool.references(page)} and ${owners} owners`);
    }
    if (bySequences[page]! > 0) owned += 1;
    else if (byTrees[page]! > 0) cached += 1;
  }
  const free = pool.freePages;
  if (free + owned + cached !== pool.capacity) {
    differences.push(`${free} free + ${owned} owned + ${cached} cached is not ${pool.capacity}`);
  }
  if (differences.length > 0) throw new IntegrityError(differences);
  return { free, owned, cached, total: pool.capacity };
}

function countReferences(pool: PagePool, owners: Iterable<PageOwner>): Int32Array {
  const counts = new Int32Array(pool.capacity);
  for (const owner of owners) owner.countReferences(counts);
  return counts;
}
