import type { PageOwner, PagePool, PrefixHandle, PrefixTree } from "@kvasir/paged-memory";
import { FileWork } from "./file-work.ts";
import { KnownSessions } from "./known-sessions.ts";
import type { PageBytes } from "./page-bytes.ts";
import type { SavedPrefix } from "./plan-entries.ts";
import { parseNamespace } from "./prefix-namespace.ts";
import { type RestoredPrefix, restorePrefixes } from "./restore-prefixes.ts";
import type { SavedFormat } from "./saved-format.ts";
import type { ExpectedSession } from "./session-file.ts";
import { SessionRefused } from "./session-refused.ts";
import type { RestoredSession, SavedCache, SavedSession } from "./session-target.ts";
import { StagedPages } from "./staged-pages.ts";
import { type SessionContent, writeSessionFile } from "./write-session-file.ts";

export type SessionParts = {
  readonly pool: PagePool;
  readonly tree: PrefixTree;
  readonly memory: PageBytes;
  readonly format: SavedFormat;
};

type Place = { readonly path: string; readonly signal?: AbortSignal | undefined };
type Named = { readonly namespace: string; readonly session: string };

/** Conversations by name, and the files in which prefixes outlive the engine. */
export class Sessions {
  readonly #parts: SessionParts;
  readonly #known = new KnownSessions();
  readonly #work = new FileWork();

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#known.size;
  }

  /** Pages of files that are being read. */
  get staged(): Iterable<PageOwner> {
    return this.#work.staged;
  }

  /** Takes note of a conversation's tokens; their pages are the cache's. */
  remember({ namespace, session }: Named, tokens: Int32Array): void {
    this.#known.set(namespace, session, tokens);
  }

  /** Saves what the cache holds of a conversation. @throws SessionRefused (`not-found`), and as `writeSessionFile` */
  async save({ namespace, session }: Named, place: Place): Promise<SavedSession> {
    const tokens = this.#known.get(namespace, session);
    if (!tokens) throw new SessionRefused("not-found", "there is no session of that name");
    const match = this.#parts.tree.match(namespace, tokens);
    if (match.tokens === 0) throw new SessionRefused("not-found", "the cache holds nothing of the session");
    const prefix = {
      namespace,
      commonTokens: 0,
      tokens: tokens.subarray(0, match.tokens),
      blocks: match.blocks,
    };
    const { entries, ...saved } = await this.#write("session", [prefix], [match.handle], place);
    return saved;
  }

  /** Puts a conversation back into the cache and under its name. @throws as `restorePrefixes` */
  async restore({ namespace, session }: Named, place: Place): Promise<RestoredSession> {
    let tokens = new Int32Array(0);
    const expected = { kind: "session", namespace: parseNamespace(namespace) } as const;
    const { entries, ...restored } = await this.#read(expected, place, (prefix) => {
      tokens = prefix.tokens.slice();
    });
    this.#known.set(namespace, session, tokens);
    return restored;
  }

  /** Forgets the name; its prefix stays in the cache as any other. Returns its tokens, 0 where there was none. */
  erase({ namespace, session }: Named): number {
    return this.#known.delete(namespace, session)?.length ?? 0;
  }

  /** Saves all prefixes. @throws as `writeSessionFile` */
  async saveCache(place: Place): Promise<SavedCache> {
    const prefixes = [...this.#parts.tree.entries()];
    const handles = prefixes.map(({ handle }) => handle);
    return this.#write("cache", prefixes, handles, place);
  }

  /** Puts all prefixes of a file back, whoever's they are. @throws as `restorePrefixes` */
  async loadCache(place: Place): Promise<SavedCache> {
    return this.#read({ kind: "cache" }, place, () => {});
  }

  /** Ends saves and restores, so that running requests find their pages; false where there are none. */
  giveWay(): boolean {
    return this.#work.giveWay();
  }

  forget(): void {
    this.#known.clear();
  }

  /** Ends what is under way. */
  close(): Promise<void> {
    return this.#work.close();
  }

  async #write(
    kind: SessionContent["kind"],
    prefixes: readonly SavedPrefix[],
    handles: readonly PrefixHandle[],
    { path, signal }: Place,
  ): Promise<SavedCache> {
    const { tree, memory, format } = this.#parts;
    const start = performance.now();
    // Locked blocks stay, and nobody writes to a page that the tree holds.
    for (const handle of handles) tree.lock(handle);
    let isLocked = true;
    const unlock = () => {
      if (isLocked) for (const handle of handles) tree.unlock(handle);
      isLocked = false;
    };
    try {
      const content = { kind, format, prefixes, memory };
      const written = await this.#work.run({ signal, giveWay: unlock }, (either) =>
        writeSessionFile(path, content, { signal: either }),
      );
      return { ...written, milliseconds: performance.now() - start };
    } finally {
      unlock();
    }
  }

  async #read(
    expected: Omit<ExpectedSession, "format">,
    { path, signal }: Place,
    committed: (prefix: RestoredPrefix) => void,
  ): Promise<SavedCache> {
    const { format } = this.#parts;
    const start = performance.now();
    const staged = new StagedPages(this.#parts, committed);
    const restored = await this.#work.run({ signal, giveWay: () => staged.giveWay(), staged }, (either) =>
      restorePrefixes(path, { ...expected, format }, staged, { signal: either }),
    );
    return { ...restored, milliseconds: performance.now() - start };
  }
}
