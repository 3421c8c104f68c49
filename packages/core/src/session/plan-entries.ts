import { EngineError } from "../engine-error.ts";
import { EventLoopTurns } from "../event-loop-turns.ts";
import type { SessionEntry } from "./entry-table.ts";
import { limits } from "./session-layout.ts";

/** A cached prefix, as what it adds to the one before it. */
export type SavedPrefix = {
  /** Of the form that `namespaceText` gives. */
  readonly namespace: string;
  /** Leading tokens of the prefix before it that it begins with, in whole blocks; 0 where the namespace changes. */
  readonly commonTokens: number;
  /** The ids behind those, `blocks.length * pageTokens`. */
  readonly tokens: Int32Array;
  /** `kvLayers * kvHeads` page ids each, layer-major. */
  readonly blocks: readonly Int32Array[];
};

export type EntryPlan = {
  readonly namespaces: readonly string[];
  readonly entries: readonly SessionEntry[];
  /** Of all entries. */
  readonly blocks: number;
};

/** Makes the tables of a file. @throws EngineError where there is more than a file may hold */
export async function planEntries(prefixes: readonly SavedPrefix[], pageTokens: number): Promise<EntryPlan> {
  const namespaces = new Map<string, number>();
  const entries: SessionEntry[] = [];
  const turns = new EventLoopTurns();
  let blocks = 0;
  let pathTokens = 0;
  for (const prefix of prefixes) {
    const namespace = namespaces.get(prefix.namespace) ?? namespaces.size;
    namespaces.set(prefix.namespace, namespace);
    const shared = prefix.commonTokens / pageTokens;
    entries.push({ namespace, shared, blocks: prefix.blocks.length });
    blocks += prefix.blocks.length;
    pathTokens += prefix.commonTokens + prefix.tokens.length;
    requireAtMost(entries.length, limits.entries, "prefixes");
    requireAtMost(namespaces.size, limits.namespaces, "tenants, salts and policies");
    requireAtMost(pathTokens, limits.pathTokens, "tokens");
    await turns.pause();
  }
  return { namespaces: [...namespaces.keys()], entries, blocks };
}

function requireAtMost(count: number, most: number, what: string): void {
  if (count <= most) return;
  throw new EngineError("invalid-request", `a file holds at most ${most} ${what}, and the cache has more`);
}
