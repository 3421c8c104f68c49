import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { decodeEntries, requireSums, type SessionEntry } from "./entry-table.ts";
import { PieceReader, readFully } from "./piece-reader.ts";
import { namespaceText, type PrefixNamespace } from "./prefix-namespace.ts";
import { requireSameFormat, type SavedFormat } from "./saved-format.ts";
import { parseHeader, parsePrologue, type SessionHeader } from "./session-header.ts";
import {
  digestBytes,
  entryBytes,
  namespaceBytes,
  pieces,
  prologueBytes,
  sectionBytes,
  tokenBytes,
} from "./session-layout.ts";
import { SessionRefused } from "./session-refused.ts";

/** What a file must be to be taken. */
export type ExpectedSession = {
  readonly kind: SessionHeader["kind"];
  readonly format: SavedFormat;
  /** Whose every prefix of the file must be; without it, anybody's. */
  readonly namespace?: PrefixNamespace;
};

/** A piece of an entry, verified; the bytes are valid until the next piece is asked for. */
export type SessionPiece =
  | { readonly entry: number; readonly kind: "tokens"; readonly first: number; readonly tokens: Int32Array }
  | { readonly entry: number; readonly kind: "pages"; readonly first: number; readonly bytes: Uint8Array };

/** A session file whose head was verified and fits; what follows is verified piece by piece. */
export class SessionFile implements AsyncDisposable {
  readonly #file: FileHandle;
  /** Where the entries begin, and the digest before them. */
  readonly #position: number;
  readonly #digest: Uint8Array;
  readonly header: SessionHeader;
  /** In hex, policy and owner. */
  readonly namespaces: readonly string[];
  readonly entries: readonly SessionEntry[];
  readonly bytes: number;

  private constructor(file: FileHandle, reader: PieceReader, head: Head) {
    this.#file = file;
    this.#position = reader.position;
    this.#digest = reader.digest;
    this.header = head.header;
    this.namespaces = head.namespaces;
    this.entries = head.entries;
    this.bytes = head.fileBytes;
  }

  /** Opens a file of which nothing is trusted. @throws SessionRefused that says why not */
  static async open(path: string, expected: ExpectedSession): Promise<SessionFile> {
    // Without O_NONBLOCK, opening a pipe would wait for a writer.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause) => {
      throw new SessionRefused("not-found", `the file cannot be opened (${cause.code})`, { cause });
    });
    try {
      const { reader, ...head } = await readHead(file);
      requireExpected(head, expected);
      requireLength(head, reader.position);
      return new SessionFile(file, reader, head);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** All entries' tokens and pages, in the order of the file. @throws SessionRefused, the signal's reason */
  async *pieces(signal?: AbortSignal): AsyncGenerator<SessionPiece, void, undefined> {
    const { pageTokens, pageBytes, kvLayers, kvHeads, vocabSize } = this.header.format;
    const reader = new PieceReader(this.#file, this.#digest, this.#position);
    for (const [entry, { blocks }] of this.entries.entries()) {
      for (const [first, end] of pieces(blocks * pageTokens, tokenBytes)) {
        signal?.throwIfAborted();
        const bytes = await reader.read((end - first) * tokenBytes);
        yield { entry, kind: "tokens", first, tokens: decodeTokens(bytes, vocabSize) };
      }
      for (const [first, end] of pieces(blocks * kvLayers * kvHeads, pageBytes)) {
        signal?.throwIfAborted();
        const bytes = await reader.read((end - first) * pageBytes);
        yield { entry, kind: "pages", first, bytes };
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

type Head = {
  readonly fileBytes: number;
  readonly header: SessionHeader;
  readonly namespaces: readonly string[];
  readonly entries: readonly SessionEntry[];
};

/** Everything before the tokens, verified. */
async function readHead(file: FileHandle): Promise<Head & { readonly reader: PieceReader }> {
  const stats = await file.stat();
  if (!stats.isFile()) throw new SessionRefused("corrupt", "the file is not a session file");
  const fileBytes = stats.size;
  const prologue = Buffer.alloc(prologueBytes);
  await readFully(file, prologue, 0);
  const rest = Buffer.alloc(parsePrologue(prologue, fileBytes) + digestBytes);
  await readFully(file, rest, prologueBytes);
  const digest = rest.subarray(-digestBytes);
  const header = parseHeader(prologue, rest.subarray(0, -digestBytes), digest);
  const reader = new PieceReader(file, digest, prologueBytes + rest.length);
  const tables = sectionBytes(header.namespaces, namespaceBytes) + sectionBytes(header.entries, entryBytes);
  if (reader.position + tables > fileBytes) throw tooShort();
  const namespaces: string[] = [];
  for (const [first, end] of pieces(header.namespaces, namespaceBytes)) {
    const bytes = await reader.read((end - first) * namespaceBytes);
    for (let at = 0; at < bytes.length; at += namespaceBytes)
      namespaces.push(bytes.toString("hex", at, at + namespaceBytes));
  }
  const entries: SessionEntry[] = [];
  for (const [first, end] of pieces(header.entries, entryBytes)) {
    decodeEntries(await reader.read((end - first) * entryBytes), header.namespaces, entries);
  }
  requireSums(entries, header.blocks, header.format.pageTokens);
  return { fileBytes, header, namespaces, entries, reader };
}

/** The tenant comes first, so that nobody learns what another one's file holds. */
function requireExpected({ header, namespaces }: Head, { kind, format, namespace }: ExpectedSession): void {
  const owner = namespace?.owner;
  if (owner !== undefined && namespaces.some((text) => !text.endsWith(owner)))
    throw new SessionRefused("other-tenant", "the file was not written for this tenant and salt");
  if (header.kind !== kind) {
    const name = { session: "one conversation", cache: "a whole cache" };
    throw new SessionRefused(
      "other-format",
      `the file holds ${name[header.kind]}, and ${name[kind]} was expected`,
    );
  }
  requireSameFormat(header.format, format);
  if (namespace && namespaces.some((text) => text !== namespaceText(namespace)))
    throw new SessionRefused("other-policy", "the file was written under another eviction policy");
}

/** The tokens and pages that the head promises must be all that follows. */
function requireLength({ header, entries, fileBytes }: Head, position: number): void {
  const { pageTokens, pageBytes, kvLayers, kvHeads } = header.format;
  let end = position;
  for (const { blocks } of entries) {
    end += sectionBytes(blocks * pageTokens, tokenBytes);
    end += sectionBytes(blocks * kvLayers * kvHeads, pageBytes);
  }
  if (end > fileBytes) throw tooShort();
  if (end < fileBytes) throw new SessionRefused("corrupt", `the file has ${fileBytes - end} bytes too many`);
}

function tooShort(): SessionRefused {
  return new SessionRefused("corrupt", "the file ends too early");
}

function decodeTokens(bytes: Buffer, vocabSize: number): Int32Array {
  const tokens = new Int32Array(bytes.length / tokenBytes);
  for (let i = 0; i < tokens.length; i++) {
    const token = bytes.readInt32LE(i * tokenBytes);
    if (token < 0 || token >= vocabSize)
      throw new SessionRefused("corrupt", `the file has a token outside 0..${vocabSize - 1}`);
    tokens[i] = token;
  }
  return tokens;
}
