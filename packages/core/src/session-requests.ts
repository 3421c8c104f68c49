import { EngineError } from "./engine-error.ts";
import type { EngineEvent } from "./engine-event.ts";
import type { LoadedEngine } from "./load-engine.ts";
import { SessionRefused } from "./session/session-refused.ts";
import {
  checkFileOptions,
  checkPath,
  checkSessionName,
  type FileOptions,
  type RestoredSession,
  type SavedCache,
  type SavedSession,
  type SessionName,
  type SessionTarget,
} from "./session/session-target.ts";
import type { Sessions } from "./session/sessions.ts";

/** What an engine is asked to save and restore: checks it, and tells of what became of it. */
export class SessionRequests {
  readonly #loaded: LoadedEngine;
  readonly #sessions: Sessions;

  constructor(loaded: LoadedEngine, sessions: Sessions) {
    this.#loaded = loaded;
    this.#sessions = sessions;
  }

  async save(target: SessionTarget): Promise<SavedSession> {
    const place = this.#place(target.path, target);
    const named = this.#named(target);
    return this.#tell("saved", named.session, this.#sessions.save(named, place));
  }

  async restore(target: SessionTarget): Promise<RestoredSession> {
    const place = this.#place(target.path, target);
    const named = this.#named(target);
    this.#requireCache();
    return this.#tell("restored", named.session, this.#sessions.restore(named, place));
  }

  erase(name: SessionName): number {
    return this.#sessions.erase(this.#named(name));
  }

  async saveCache(path: string, options: FileOptions): Promise<SavedCache> {
    return this.#tell("saved", undefined, this.#sessions.saveCache(this.#place(path, options)));
  }

  async loadCache(path: string, options: FileOptions): Promise<SavedCache> {
    const place = this.#place(path, options);
    this.#requireCache();
    return this.#tell("restored", undefined, this.#sessions.loadCache(place));
  }

  #place(path: string, { signal }: FileOptions) {
    checkPath(path);
    checkFileOptions({ ...(signal !== undefined && { signal }) });
    return { path, signal };
  }

  #named(name: SessionName) {
    checkSessionName(name);
    const { session, tenant = "", cacheSalt: salt = "" } = name;
    return { session, namespace: this.#loaded.cacheKeys.namespace({ tenant, salt }) };
  }

  #requireCache(): void {
    if (this.#loaded.prefixCache) return;
    throw new EngineError(
      "invalid-request",
      "prefixCache: it is off, so nothing can be restored",
      "prefixCache",
    );
  }

  async #tell<T extends SavedSession>(
    type: "saved" | "restored",
    session: string | undefined,
    work: Promise<T>,
  ): Promise<T> {
    const onEvent: (event: EngineEvent) => void = this.#loaded.limits.onEvent;
    const name = session !== undefined && { session };
    try {
      const result = await work;
      const { tokens, bytes, milliseconds } = result;
      onEvent({ type, ...name, tokens, bytes, milliseconds });
      return result;
    } catch (error) {
      if (error instanceof SessionRefused)
        onEvent({ type: "refused-session", ...name, reason: error.reason });
      throw error;
    }
  }
}
