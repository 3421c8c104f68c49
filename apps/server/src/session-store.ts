/** Which conversation, and the file that it is kept in. */
export type SessionTarget = {
  readonly session: string;
  readonly path: string;
  readonly tenant?: string;
  readonly signal?: AbortSignal;
};

export type StoredSession = {
  readonly tokens: number;
  readonly bytes: number;
  readonly milliseconds: number;
};

export type StoredCache = StoredSession & { readonly entries: number };

/** What an engine keeps of past requests, and may keep in files. Refusals are `EngineError`s. */
export type SessionStore = {
  save(target: SessionTarget): Promise<StoredSession>;
  restore(target: SessionTarget): Promise<StoredSession>;
  /** Forgets the session; the number of its tokens. */
  erase(target: { readonly session: string; readonly tenant?: string }): number | Promise<number>;
  /** All prefixes. */
  saveCache(path: string): Promise<StoredCache>;
  loadCache(path: string): Promise<StoredCache>;
  /** Drops prefixes that nobody uses, and sessions; the number of their tokens. */
  resetCache(): number | Promise<number>;
};
