import type { FileHandle } from "node:fs/promises";
import { EngineError } from "../engine-error.ts";
import { encodeEntries } from "./entry-table.ts";
import type { PageBytes } from "./page-bytes.ts";
import { PieceWriter } from "./piece-writer.ts";
import { type EntryPlan, planEntries, type SavedPrefix } from "./plan-entries.ts";
import { replaceFile } from "./replace-file.ts";
import type { SavedFormat } from "./saved-format.ts";
import { encodeHeader, type SessionHeader } from "./session-header.ts";
import { entryBytes, itemsPerPiece, namespaceBytes, pieces, tokenBytes } from "./session-layout.ts";

export type SessionContent = {
  readonly kind: SessionHeader["kind"];
  readonly format: SavedFormat;
  /** With `kind: "session"` exactly one. Their pages must stay what they are until the file is written. */
  readonly prefixes: readonly SavedPrefix[];
  readonly memory: Pick<PageBytes, "readPages">;
};

export type WrittenFile = {
  readonly entries: number;
  /** Of all entries, shared ones counted once. */
  readonly tokens: number;
  readonly bytes: number;
};

/**
 * Writes prefixes to a file (`session-layout.ts` has its format) that takes the place of `path` when it is whole, or
 * not at all. Memory: one piece. Throws `EngineError` (`invalid-request` for a path that cannot be written to or too
 * many prefixes, `internal` when the disk fails or is full), the signal's reason, or what reading pages throws.
 */
export async function writeSessionFile(
  path: string,
  content: SessionContent,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<WrittenFile> {
  signal?.throwIfAborted();
  const plan = await planEntries(content.prefixes, content.format.pageTokens);
  if (content.kind === "session" && plan.entries.length !== 1)
    throw new EngineError("invalid-request", "session: expected one prefix of at least one block", "session");
  try {
    return await replaceFile(path, (file) => writeContent(file, content, plan, signal));
  } catch (error) {
    throw fileError(error);
  }
}

async function writeContent(
  file: FileHandle,
  { kind, format, prefixes, memory }: SessionContent,
  { namespaces, entries, blocks }: EntryPlan,
  signal: AbortSignal | undefined,
): Promise<WrittenFile> {
  const counts = { namespaces: namespaces.length, entries: entries.length, blocks };
  const head = encodeHeader({ kind, format, ...counts });
  await file.appendFile(head.bytes);
  const writer = new PieceWriter(file, head.digest, signal);
  await writer.writeAll(Buffer.from(namespaces.join(""), "hex"), namespaceBytes);
  await writer.writeAll(encodeEntries(entries), entryBytes);
  const buffer = new Uint8Array(itemsPerPiece(format.pageBytes) * format.pageBytes);
  for (const prefix of prefixes) {
    await writer.writeAll(tokenSection(prefix.tokens), tokenBytes);
    const pages = flat(prefix.blocks);
    for (const [first, end] of pieces(pages.length, format.pageBytes)) {
      signal?.throwIfAborted();
      const piece = buffer.subarray(0, (end - first) * format.pageBytes);
      await memory.readPages(pages.subarray(first, end), piece);
      await writer.write(piece);
    }
  }
  return {
    entries: entries.length,
    tokens: blocks * format.pageTokens,
    bytes: head.bytes.length + writer.bytes,
  };
}

function flat(blocks: readonly Int32Array[]): Int32Array {
  const pages = new Int32Array(blocks.length * (blocks[0]?.length ?? 0));
  blocks.forEach((block, i) => {
    pages.set(block, i * block.length);
  });
  return pages;
}

function tokenSection(tokens: Int32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(tokens.length * tokenBytes));
  tokens.forEach((token, i) => {
    view.setInt32(i * tokenBytes, token, true);
  });
  return new Uint8Array(view.buffer);
}

const badPath = ["ENOENT", "ENOTDIR", "EISDIR", "EACCES", "EPERM", "EROFS", "ENAMETOOLONG", "ELOOP"];

/** File errors name the path, which is nobody's business who only knows the session. */
function fileError(cause: unknown): unknown {
  if (!(cause instanceof Error) || !("syscall" in cause) || !("code" in cause)) return cause;
  const code = String(cause.code);
  const message = `path: the file cannot be written (${code})`;
  return new EngineError(badPath.includes(code) ? "invalid-request" : "internal", message, "path", { cause });
}
