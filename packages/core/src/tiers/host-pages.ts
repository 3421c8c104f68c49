import { EngineError } from "../engine-error.ts";
import { type PageStore, type PageTicket, requireCapacity, unknownTicket } from "./page-store.ts";

/** Pages in the memory of the process, up to a number of bytes. */
export class HostPages implements PageStore {
  readonly capacity: number;
  readonly #stored = new Map<PageTicket, Uint8Array>();
  #usedBytes = 0;
  #disposed = false;

  constructor({ bytes }: { readonly bytes: number }) {
    this.capacity = requireCapacity(bytes, "kvCache.hostMemory");
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get entries(): number {
    return this.#stored.size;
  }

  /** Keeps the array itself where it is all of its memory, else a copy: what is counted is what is held. */
  async put(bytes: Uint8Array): Promise<PageTicket | undefined> {
    this.#requireUsable();
    if (bytes.length > this.capacity - this.#usedBytes) return undefined;
    const ticket = { bytes: bytes.length };
    this.#stored.set(ticket, bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice());
    this.#usedBytes += bytes.length;
    return ticket;
  }

  async take(ticket: PageTicket): Promise<Uint8Array> {
    this.#requireUsable();
    const bytes = this.#stored.get(ticket);
    if (!bytes) throw unknownTicket();
    this.free(ticket);
    return bytes;
  }

  free(ticket: PageTicket): void {
    if (this.#stored.delete(ticket)) this.#usedBytes -= ticket.bytes;
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#stored.clear();
    this.#usedBytes = 0;
  }

  #requireUsable(): void {
    if (this.#disposed) throw new EngineError("disposed", "the host memory for pages is disposed");
  }
}
