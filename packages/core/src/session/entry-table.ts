import { entryBytes, limits } from "./session-layout.ts";
import { damagedHead } from "./session-refused.ts";

/** A row of a file's table of entries. */
export type SessionEntry = {
  /** Index of its namespace. */
  readonly namespace: number;
  /** Leading blocks that it has in common with the entry before it. */
  readonly shared: number;
  /** Blocks of its own, at least 1. */
  readonly blocks: number;
};

export function encodeEntries(entries: readonly SessionEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * entryBytes);
  let at = 0;
  for (const { namespace, shared, blocks } of entries) {
    at = bytes.writeUInt32LE(namespace, at);
    at = bytes.writeUInt32LE(shared, at);
    at = bytes.writeUInt32LE(blocks, at);
  }
  return bytes;
}

/** Rows that follow those in `entries`, added to them. @throws SessionRefused for one that cannot be */
export function decodeEntries(bytes: Buffer, namespaces: number, entries: SessionEntry[]): void {
  for (let at = 0; at < bytes.length; at += entryBytes) {
    const entry = {
      namespace: bytes.readUInt32LE(at),
      shared: bytes.readUInt32LE(at + 4),
      blocks: bytes.readUInt32LE(at + 8),
    };
    if (entry.namespace >= namespaces || entry.blocks === 0 || !follows(entry, entries.at(-1)))
      throw damagedHead();
    entries.push(entry);
  }
}

function follows({ namespace, shared }: SessionEntry, before: SessionEntry | undefined): boolean {
  if (shared === 0) return true;
  return before?.namespace === namespace && shared <= before.shared + before.blocks;
}

/** Checks the sums over a whole table. @throws SessionRefused */
export function requireSums(entries: readonly SessionEntry[], blocks: number, pageTokens: number): void {
  let own = 0;
  let path = 0;
  for (const entry of entries) {
    own += entry.blocks;
    path += entry.shared + entry.blocks;
  }
  if (own !== blocks || path * pageTokens > limits.pathTokens) throw damagedHead();
}
