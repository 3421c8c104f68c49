import { IntegrityError } from "./errors.ts";
import type { IndexedHeap } from "./indexed-heap.ts";
import type { RadixBlock } from "./radix-block.ts";
import type { StoredPages } from "./stored-pages.ts";

/** What a tree counts as it goes, to be compared with what is found. */
interface Counted {
  readonly cachedPages: number;
  readonly lockedPages: number;
  readonly retainedPages: number;
  readonly evictablePages: number;
}

/** Checks every block against its neighbours and the pool, and the counters against all. @throws IntegrityError */
export function checkRadixTree(
  roots: Iterable<RadixBlock>,
  leaves: IndexedHeap<RadixBlock>,
  pages: StoredPages,
  counted: Counted,
): void {
  const differences: string[] = [];
  const found = { cachedPages: 0, lockedPages: 0, retainedPages: 0, evictablePages: 0 };
  let freeLeaves = 0;
  for (const root of roots) {
    if (root.children.length === 0) differences.push(`namespace ${root.namespace} is empty`);
    for (const block of root.behind()) {
      for (const difference of differencesOf(block, pages))
        differences.push(`the block that ends at token ${block.end} ${difference}`);
      if (leaves.has(block) !== block.isFreeLeaf)
        differences.push(`the block that ends at token ${block.end} is missing or wrong among the leaves`);
      if (block.isFreeLeaf) freeLeaves += 1;
      found.cachedPages += block.pages.length;
      if (block.locks > 0) found.lockedPages += block.pages.length;
      else found.evictablePages += pages.unshared(block.pages);
      if (block.priority > 0) found.retainedPages += block.pages.length;
    }
  }
  for (const key of Object.keys(found) as (keyof Counted)[])
    if (found[key] !== counted[key]) differences.push(`${key}: ${counted[key]} counted, ${found[key]} found`);
  if (leaves.size !== freeLeaves || !leaves.isOrdered())
    differences.push(`${leaves.size} leaves in order of eviction, ${freeLeaves} found`);
  if (differences.length > 0) throw new IntegrityError(differences);
}

function differencesOf(block: RadixBlock, pages: StoredPages): string[] {
  const differences: string[] = [];
  const { pageTokens, blockPages } = pages;
  const parent = block.parent!;
  const require = (holds: boolean, otherwise: string) => {
    if (!holds) differences.push(otherwise);
  };
  require(block.isStored, "was dropped");
  require(block.tokens.length === pageTokens && block.pages.length === blockPages, "has a wrong size");
  require(block.end === parent.end + pageTokens, `is behind token ${parent.end}`);
  require(parent.child(block.tokens, 0, pageTokens) === block, "is not found from its parent");
  require(parent.isRoot ||
    (parent.lastUse >= block.lastUse &&
      parent.priority >= block.priority), "is newer or more retained than its parent");
  const lockedBehind = block.children.reduce((sum, { locks }) => sum + (locks > 0 ? 1 : 0), 0);
  require(block.locks >=
    lockedBehind, `has ${block.locks} locks, and ${lockedBehind} locked blocks behind it`);
  const unshared = pages.unshared(block.pages);
  require(block.unsharedPages === unshared, `counts ${block.unsharedPages} unshared pages of ${unshared}`);
  return differences;
}
