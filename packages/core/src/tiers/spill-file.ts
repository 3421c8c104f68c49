import { rm } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { EngineError } from "../engine-error.ts";
import { type TemporaryFile, temporaryFile } from "../session/temporary-file.ts";
import { type Extent, Extents } from "./extents.ts";
import { type PageStore, type PageTicket, requireCapacity, unknownTicket } from "./page-store.ts";

/** Bytes that are summed or written at once. */
const chunkBytes = 1_048_576;

type Spilled = { readonly extent: Extent; readonly checksum: number };

/**
 * Pages in a file of the process's own, up to a number of bytes. The file is made at the first `put` and has no name from
 * then on (on Windows, until `dispose`), so it ends with the process, however that ends.
 */
export class SpillFile implements PageStore {
  readonly capacity: number;
  readonly #directory: string;
  readonly #extents: Extents;
  readonly #stored = new Map<PageTicket, Spilled>();
  /** What is being written or read. */
  readonly #busy = new Set<Promise<unknown>>();
  #file: Promise<TemporaryFile> | undefined;
  #disposed = false;

  constructor({ directory, bytes }: { readonly directory: string; readonly bytes: number }) {
    this.capacity = requireCapacity(bytes, "kvCache.spill.bytes");
    this.#directory = directory;
    this.#extents = new Extents(this.capacity);
  }

  get usedBytes(): number {
    return this.#extents.usedBytes;
  }

  get entries(): number {
    return this.#stored.size;
  }

  async put(bytes: Uint8Array): Promise<PageTicket | undefined> {
    this.#requireUsable();
    if (bytes.length === 0) throw new EngineError("internal", "there are no bytes to spill");
    const extent = this.#extents.allocate(bytes.length);
    if (!extent) return undefined;
    try {
      const checksum = await this.#during(this.#write(extent, bytes));
      this.#requireUsable();
      const ticket = { bytes: bytes.length };
      this.#stored.set(ticket, { extent, checksum });
      return ticket;
    } catch (error) {
      this.#extents.free(extent);
      throw spillError("written", error);
    }
  }

  async take(ticket: PageTicket): Promise<Uint8Array> {
    this.#requireUsable();
    const spilled = this.#stored.get(ticket);
    if (!spilled) throw unknownTicket();
    this.#stored.delete(ticket);
    try {
      return await this.#during(this.#read(spilled));
    } catch (error) {
      throw spillError("read", error);
    } finally {
      this.#extents.free(spilled.extent);
    }
  }

  free(ticket: PageTicket): void {
    const spilled = this.#stored.get(ticket);
    if (!spilled) return;
    this.#stored.delete(ticket);
    this.#extents.free(spilled.extent);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    await Promise.allSettled(this.#busy);
    for (const ticket of this.#stored.keys()) this.free(ticket);
    const file = this.#file;
    this.#file = undefined;
    const opened = await file?.catch(() => undefined);
    await opened?.remove();
  }

  async #write({ start }: Extent, bytes: Uint8Array): Promise<number> {
    const { file } = await this.#opened();
    let checksum = 0;
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const chunk = bytes.subarray(at, at + chunkBytes);
      checksum = crc32(chunk, checksum);
      for (let done = 0; done < chunk.length; ) {
        const { bytesWritten } = await file.write(chunk, done, chunk.length - done, start + at + done);
        done += bytesWritten;
      }
    }
    return checksum;
  }

  async #read({ extent, checksum }: Spilled): Promise<Uint8Array> {
    const { file } = await this.#opened();
    const bytes = new Uint8Array(extent.bytes);
    let found = 0;
    for (let at = 0; at < bytes.length; ) {
      const most = Math.min(chunkBytes, bytes.length - at);
      const { bytesRead } = await file.read(bytes, at, most, extent.start + at);
      if (bytesRead === 0) throw new EngineError("internal", "the spill file is shorter than it was");
      found = crc32(bytes.subarray(at, at + bytesRead), found);
      at += bytesRead;
    }
    if (found !== checksum) throw new EngineError("internal", "the spill file is damaged");
    return bytes;
  }

  /** Tries again after it failed. */
  #opened(): Promise<TemporaryFile> {
    this.#file ??= openUnnamed(this.#directory).catch((error) => {
      this.#file = undefined;
      throw error;
    });
    return this.#file;
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#busy.add(work);
    try {
      return await work;
    } finally {
      this.#busy.delete(work);
    }
  }

  #requireUsable(): void {
    if (this.#disposed) throw new EngineError("disposed", "the spill file is disposed");
  }
}

/** A file that nobody else can find, after removing those that killed processes left. */
async function openUnnamed(directory: string): Promise<TemporaryFile> {
  const temporary = await temporaryFile(directory, "kvasir-spill");
  if (process.platform !== "win32") await rm(temporary.path);
  return temporary;
}

function spillError(verb: string, cause: unknown): EngineError {
  if (cause instanceof EngineError) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
  return new EngineError("internal", `the spill file cannot be ${verb} (${code})`, "kvCache.spill", {
    cause,
  });
}
