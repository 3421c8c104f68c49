import { readFile, writeFile } from "node:fs/promises";
import type { SavedCache, SavedSession, SessionName, SessionTarget } from "@kvasir/core";
import type { SessionStore } from "../src/engine-like.ts";

/** Remembers what it is asked for; its files hold who wrote them. */
export class FakeStore implements SessionStore {
  /** Every call, with its arguments but the signal. */
  readonly calls: unknown[][] = [];
  /** Thrown by the next call. */
  storeFailure: unknown;

  async save({ session, path, tenant = "" }: SessionTarget): Promise<SavedSession> {
    this.#begin("save", session, path, tenant);
    await writeFile(path, tenant);
    return { tokens: 11, bytes: 1100, milliseconds: 1.5 };
  }

  async restore({ session, path, tenant = "" }: SessionTarget): Promise<SavedSession> {
    this.#begin("restore", session, path, tenant);
    if ((await readFile(path, "utf8")) !== tenant) throw new Error("another tenant's");
    return { tokens: 11, bytes: 1100, milliseconds: 2.5 };
  }

  erase({ session, tenant = "" }: SessionName): number {
    this.#begin("erase", session, tenant);
    return 11;
  }

  async saveCache(path: string): Promise<SavedCache> {
    this.#begin("saveCache", path);
    await writeFile(path, "cache");
    return { entries: 3, tokens: 33, bytes: 3300, milliseconds: 3.5 };
  }

  async loadCache(path: string): Promise<SavedCache> {
    this.#begin("loadCache", path);
    await readFile(path);
    return { entries: 3, tokens: 33, bytes: 3300, milliseconds: 4.5 };
  }

  resetCache(): number {
    this.#begin("resetCache");
    return 44;
  }

  #begin(...call: unknown[]): void {
    this.calls.push(call);
    const failure = this.storeFailure;
    this.storeFailure = undefined;
    if (failure !== undefined) throw failure;
  }
}
