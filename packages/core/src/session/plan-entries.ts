import { EngineError } from "../engine-error.ts";
import { EventLoopTurns } from "../event-loop-turns.ts";
import type { SessionEntry } from "./entry-table.ts";
import { limits } from "./session-layout.ts";

/** A cached prefix: what a prefix tree was given for it. */
export type CachedPrefix = {
  /** Of the form that `namespaceText` gives. */
  readonly namespace: string;
  /** `blocks.length * pageTokens` ids. */
  readonly tokens: Int32Array;
  /** `kvLayers * kvHeads` page ids each, layer-major. */
  readonly blocks: readonly Int32Array[];
};

export type EntryPlan = {
  readonly namespaces: readonly string[];
  readonly entries: readonly SessionEntry[];
  /** For each entry what it adds to those before it. */
  readonly own: readonly { readonly tokens: Int32Array; readonly blocks: readonly Int32Array[] }[];
  readonly blocks: number;
};

/**
 * Decides what is stored for `prefixes`, each block once, in their order. Blocks are told apart by their first page: in a
 * tree, a page belongs to one block. @throws EngineError where there are more of them than a file may hold
 */
export async function planEntries(prefixes: Iterable<CachedPrefix>, pageTokens: number): Promise<EntryPlan> {
  const namespaces = new Map<string, number>();
  const entries: SessionEntry[] = [];
  const own: { tokens: Int32Array; blocks: readonly Int32Array[] }[] = [];
  const entryOf = new Map<number, number>();
  const turns = new EventLoopTurns();
  let blocks = 0;
  let pathTokens = 0;
  for (const prefix of prefixes) {
    const shared = leading(prefix.blocks, entryOf);
    const added = prefix.blocks.slice(shared);
    if (added.length === 0) continue;
    const namespace = namespaces.get(prefix.namespace) ?? namespaces.size;
    namespaces.set(prefix.namespace, namespace);
    const from = shared > 0 ? entryOf.get(prefix.blocks[shared - 1]![0]!)! : 0;
    for (const block of added) entryOf.set(block[0]!, entries.length);
    entries.push({ namespace, from, shared, blocks: added.length });
    own.push({ tokens: prefix.tokens.subarray(shared * pageTokens), blocks: added });
    blocks += added.length;
    pathTokens += prefix.tokens.length;
    requireAtMost(entries.length, limits.entries, "prefixes");
    requireAtMost(namespaces.size, limits.namespaces, "tenants, salts and policies");
    requireAtMost(pathTokens, limits.pathTokens, "tokens");
    await turns.pause();
  }
  return { namespaces: [...namespaces.keys()], entries, own, blocks };
}

/** How many leading blocks are known. Where one is, so are those before it. */
function leading(blocks: readonly Int32Array[], known: ReadonlyMap<number, number>): number {
  let low = 0;
  let high = blocks.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (known.has(blocks[middle]![0]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

function requireAtMost(count: number, most: number, what: string): void {
  if (count <= most) return;
  throw new EngineError("invalid-request", `a file holds at most ${most} ${what}, and the cache has more`);
}
