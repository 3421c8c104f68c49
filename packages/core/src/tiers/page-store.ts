import { EngineError } from "../engine-error.ts";

/** Stands for bytes in one store, until they are taken or freed. */
export interface PageTicket {
  readonly bytes: number;
}

/** Where the pages of a request that had to give way wait until it goes on. */
export interface PageStore {
  /** Bytes that it may hold, and holds. What is being put counts from the beginning. */
  readonly capacity: number;
  readonly usedBytes: number;
  /** Entries that it holds. */
  readonly entries: number;
  /**
   * Keeps `bytes`, which the caller must not change any more. Resolves to undefined, with nothing done, where they would
   * not fit; that is looked at before anything is allocated or written. @throws EngineError (`internal`) where writing fails
   */
  put(bytes: Uint8Array): Promise<PageTicket | undefined>;
  /** Gives back what was put, and frees it, also where it throws. @throws EngineError (`internal`) where it is damaged or cannot be read */
  take(ticket: PageTicket): Promise<Uint8Array>;
  /** Forgets what was put. Nothing where the ticket is used up. */
  free(ticket: PageTicket): void;
  /** Forgets everything; `put` and `take` throw afterwards. Idempotent. */
  dispose(): Promise<void>;
}

/** For a ticket that is used up, or another store's. */
export function unknownTicket(): EngineError {
  return new EngineError("internal", "the ticket is not one of this store, or it is used up");
}

/** @throws EngineError (`invalid-options`) */
export function requireCapacity(bytes: number, field: string): number {
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw new EngineError(
    "invalid-options",
    `${field}: expected a number of bytes of at least 0, received ${bytes}`,
    field,
  );
}
