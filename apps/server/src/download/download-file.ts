import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DownloadError } from "./download-error.ts";
import { type HubFile, networkReason } from "./hub-listing.ts";

export type FileDownload = {
  readonly url: string;
  readonly file: HubFile;
  readonly target: string;
  readonly token?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the file that are there, after each piece; less than before where it begins anew. */
  readonly onProgress: (bytes: number) => void;
};

const attempts = 5;
/** Milliseconds without a byte after which a connection counts as dead. */
const silence = 30_000;

/**
 * Downloads a file to `target`, which is there once it is whole and its checksum right, and not before. What came of it
 * earlier is kept beside it and not asked for again, where the server gives parts. Throws `DownloadError`.
 */
export async function downloadFile(download: FileDownload): Promise<void> {
  const { file, target, signal, onProgress } = download;
  if ((await sizeOf(target)) === file.size) return onProgress(file.size);
  const partial = `${target}.partial`;
  await mkdir(path.dirname(target), { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    try {
      await receive(download, partial);
      break;
    } catch (cause) {
      signal?.throwIfAborted();
      if (cause instanceof DownloadError || attempt === attempts) throw failure(cause, file);
      await delay(attempt * 250, undefined, signal && { signal });
    }
  }
  await verify(partial, file);
  await rename(partial, target);
}

/** Adds what lacks to the partial file. Throws where the connection breaks; what came stays. */
async function receive(
  { url, file, token, signal, onProgress }: FileDownload,
  partial: string,
): Promise<void> {
  const there = await sizeOf(partial);
  if (there === file.size) return;
  const from = there > 0 && there < file.size ? there : 0;
  onProgress(from);
  const watch = new AbortController();
  const timer = setTimeout(() => watch.abort(new Error(`no byte for ${silence / 1000} s`)), silence);
  try {
    const response = await fetch(url, {
      headers: {
        ...(from > 0 && { Range: `bytes=${from}-` }),
        // Other encodings would change what is counted and checked.
        "Accept-Encoding": "identity",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      signal: signal ? AbortSignal.any([signal, watch.signal]) : watch.signal,
    });
    const start = startOf(response, from, file);
    const handle = await open(partial, start > 0 ? "a" : "w");
    try {
      await append(handle, response, { start, file, onProgress, onPiece: () => timer.refresh() });
    } finally {
      await handle.close();
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Where in the file the body begins: a server may give all of it though a part was asked for. */
function startOf(response: Response, from: number, { path: name }: HubFile): number {
  if (response.status === 206) {
    const start = Number(/^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1]);
    if (start === from) return from;
    throw new Error("the server sent another part than was asked for");
  }
  if (response.status === 200) return 0;
  const message = `${name}: the hub answered ${response.status}`;
  throw response.status >= 500 || response.status === 429 ? new Error(message) : new DownloadError(message);
}

async function append(
  handle: FileHandle,
  response: Response,
  {
    start,
    file,
    onProgress,
    onPiece,
  }: {
    readonly start: number;
    readonly file: HubFile;
    readonly onProgress: (bytes: number) => void;
    readonly onPiece: () => void;
  },
): Promise<void> {
  let size = start;
  for await (const piece of response.body ?? []) {
    size += piece.byteLength;
    if (size > file.size) throw new DownloadError(`${file.path}: more than its ${file.size} bytes came`);
    await handle.writeFile(piece);
    onPiece();
    onProgress(size);
  }
  if (size < file.size) throw new Error(`the connection ended after ${size} of ${file.size} bytes`);
}

/** Removes a file whose checksum is wrong, so that the next try begins anew. */
async function verify(partial: string, { path: name, size, sha256, gitId }: HubFile): Promise<void> {
  const expected = sha256 ?? gitId;
  if (expected === undefined) return;
  const hash = sha256 === undefined ? gitHash(size) : createHash("sha256");
  for await (const piece of createReadStream(partial)) hash.update(piece as Uint8Array);
  if (hash.digest("hex") === expected) return;
  await rm(partial, { force: true });
  throw new DownloadError(`${name}: its checksum is wrong; try again`);
}

function gitHash(size: number): Hash {
  return createHash("sha1").update(`blob ${size}\0`);
}

/** -1: there is none. */
async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? -1;
}

function failure(cause: unknown, { path: name }: HubFile): DownloadError {
  if (cause instanceof DownloadError) return cause;
  const reason = cause instanceof Error ? (networkReason(cause) ?? cause.message) : String(cause);
  return new DownloadError(`${name}: ${reason}; what came is kept, start again to go on`, { cause });
}
