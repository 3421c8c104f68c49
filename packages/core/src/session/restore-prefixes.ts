import { EventLoopTurns } from "../event-loop-turns.ts";
import { type ExpectedSession, SessionFile } from "./session-file.ts";

/** A cached prefix, whole; the arrays are the caller's again when `commit` returns. */
export type RestoredPrefix = {
  readonly namespace: string;
  /** `blocks.length * pageTokens` ids. */
  readonly tokens: Int32Array;
  readonly blocks: readonly Int32Array[];
};

/** Where restored pages go: first aside, and into the cache once the whole file proved good. */
export interface RestoreTarget {
  /** Whether `allocate` would find so many pages without taking any from the cache. */
  canAllocate(pages: number): boolean;
  /** Takes so many pages aside, all or none. Called once. @throws EngineError (`out-of-pages`) */
  allocate(pages: number): Int32Array | Promise<Int32Array>;
  /** Writes whole pages; done with `bytes` when it resolves. */
  write(pages: Int32Array, bytes: Uint8Array): Promise<void>;
  /** Puts a prefix into the cache, in the order of the file. Must not fail. */
  commit(prefix: RestoredPrefix): void;
  /** Gives back what `allocate` took; the cache keeps what it was given. Called last, also where something failed. */
  release(): void;
}

export type RestoredFile = {
  readonly entries: number;
  /** Of all entries, shared ones counted once. */
  readonly tokens: number;
  readonly bytes: number;
};

/**
 * Puts the prefixes of a file into a cache: verifies everything, then commits. Memory: one piece, and four bytes a token.
 * Where it throws, nothing was committed. @throws SessionRefused, the signal's reason, what `target` throws
 */
export async function restorePrefixes(
  path: string,
  expected: ExpectedSession,
  target: RestoreTarget,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<RestoredFile> {
  signal?.throwIfAborted();
  const session = await SessionFile.open(path, expected);
  try {
    const staged = await stage(session, target, signal);
    await commit(session, staged, target);
    const { header, bytes } = session;
    return { entries: header.entries, tokens: header.blocks * header.format.pageTokens, bytes };
  } finally {
    target.release();
    await session[Symbol.asyncDispose]();
  }
}

/** What an entry adds to those before it. */
type Staged = { readonly tokens: Int32Array; readonly pages: Int32Array };

/** Writes all pages aside. Nothing unverified is written. */
async function stage(
  session: SessionFile,
  target: RestoreTarget,
  signal: AbortSignal | undefined,
): Promise<Staged[]> {
  const { pageTokens, pageBytes, kvLayers, kvHeads } = session.header.format;
  const blockPages = kvLayers * kvHeads;
  const total = session.header.blocks * blockPages;
  if (!target.canAllocate(total)) await verify(session, signal);
  const pages = await target.allocate(total);
  const staged: Staged[] = [];
  let taken = 0;
  for await (const piece of session.pieces(signal)) {
    if (piece.entry === staged.length) {
      const { blocks } = session.entries[piece.entry]!;
      const start = taken;
      taken += blocks * blockPages;
      staged.push({ tokens: new Int32Array(blocks * pageTokens), pages: pages.subarray(start, taken) });
    }
    const entry = staged[piece.entry]!;
    if (piece.kind === "tokens") {
      entry.tokens.set(piece.tokens, piece.first);
    } else {
      const end = piece.first + piece.bytes.length / pageBytes;
      await target.write(entry.pages.subarray(piece.first, end), piece.bytes);
    }
  }
  signal?.throwIfAborted();
  return staged;
}

/** Reads the file to its end, so that nobody loses cached prefixes to a damaged one. */
async function verify(session: SessionFile, signal: AbortSignal | undefined): Promise<void> {
  for await (const _ of session.pieces(signal));
}

/** Nothing can be wrong with the file any more, so others may have their turns between two prefixes. */
async function commit(session: SessionFile, staged: readonly Staged[], target: RestoreTarget): Promise<void> {
  const { pageTokens, kvLayers, kvHeads } = session.header.format;
  const blockPages = kvLayers * kvHeads;
  const turns = new EventLoopTurns();
  const longest = session.entries.reduce((most, { shared, blocks }) => Math.max(most, shared + blocks), 0);
  const tokens = new Int32Array(longest * pageTokens);
  const path: Int32Array[] = [];
  for (const [index, { namespace, shared, blocks }] of session.entries.entries()) {
    const own = staged[index]!;
    tokens.set(own.tokens, shared * pageTokens);
    path.length = shared;
    for (let i = 0; i < blocks; i++) path.push(own.pages.subarray(i * blockPages, (i + 1) * blockPages));
    target.commit({
      namespace: session.namespaces[namespace]!,
      tokens: tokens.subarray(0, path.length * pageTokens),
      blocks: path,
    });
    await turns.pause();
  }
}
