import { entryBytes, limits } from "./session-layout.ts";
import { damagedHead } from "./session-refused.ts";

/** A row of a file's table of entries; indices and counts of blocks. */
export type SessionEntry = {
  readonly namespace: number;
  /** The earlier entry behind whose first `shared` blocks this one begins; 0 where nothing is shared. */
  readonly from: number;
  readonly shared: number;
  /** Blocks of its own, at least 1. */
  readonly blocks: number;
};

export function encodeEntries(entries: readonly SessionEntry[]): Buffer {
  const bytes = Buffer.alloc(entries.length * entryBytes);
  let at = 0;
  for (const { namespace, from, shared, blocks } of entries) {
    at = bytes.writeUInt32LE(namespace, at);
    at = bytes.writeUInt32LE(from, at);
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
      from: bytes.readUInt32LE(at + 4),
      shared: bytes.readUInt32LE(at + 8),
      blocks: bytes.readUInt32LE(at + 12),
    };
    if (entry.namespace >= namespaces || entry.blocks === 0 || !follows(entry, entries)) throw damagedHead();
    entries.push(entry);
  }
}

/** Whether what it shares is there, and ends among the own blocks of the entry that it names. */
function follows({ namespace, from, shared }: SessionEntry, entries: readonly SessionEntry[]): boolean {
  if (shared === 0) return from === 0;
  const base = entries[from];
  return base?.namespace === namespace && shared > base.shared && shared <= base.shared + base.blocks;
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

/** The runs of own blocks that make up an entry's path, last one first: entry, and how many of its leading own blocks. */
export function* pathOf(
  entries: readonly SessionEntry[],
  index: number,
): Generator<{ readonly entry: number; readonly start: number; readonly blocks: number }> {
  let end = entries[index]!.shared + entries[index]!.blocks;
  for (let entry = index; end > 0; entry = entries[entry]!.from) {
    const { shared } = entries[entry]!;
    yield { entry, start: shared, blocks: end - shared };
    end = shared;
  }
}
