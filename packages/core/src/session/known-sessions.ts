/** Tokens of all conversations that are remembered: 32 MiB. The ones that were not used for longest are forgotten first. */
const mostTokens = 2 ** 23;
const mostSessions = 65_536;

/** The tokens of conversations by namespace and name, so that they can be found in the cache again. */
export class KnownSessions {
  readonly #mostTokens: number;
  /** The least recently used first. */
  readonly #sessions = new Map<string, Int32Array>();
  #tokens = 0;

  constructor(most = mostTokens) {
    this.#mostTokens = most;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Keeps a copy of `tokens` under the name, instead of what was there. */
  set(namespace: string, name: string, tokens: Int32Array): void {
    this.delete(namespace, name);
    if (tokens.length > this.#mostTokens) return;
    this.#sessions.set(keyOf(namespace, name), tokens.slice());
    this.#tokens += tokens.length;
    for (const [key, { length }] of this.#sessions) {
      if (this.#tokens <= this.#mostTokens && this.#sessions.size <= mostSessions) return;
      this.#sessions.delete(key);
      this.#tokens -= length;
    }
  }

  get(namespace: string, name: string): Int32Array | undefined {
    const key = keyOf(namespace, name);
    const tokens = this.#sessions.get(key);
    if (!tokens) return undefined;
    this.#sessions.delete(key);
    this.#sessions.set(key, tokens);
    return tokens;
  }

  /** Returns what was there. */
  delete(namespace: string, name: string): Int32Array | undefined {
    const key = keyOf(namespace, name);
    const tokens = this.#sessions.get(key);
    if (!tokens) return undefined;
    this.#sessions.delete(key);
    this.#tokens -= tokens.length;
    return tokens;
  }

  clear(): void {
    this.#sessions.clear();
    this.#tokens = 0;
  }
}

/** A namespace has no slash in it. */
function keyOf(namespace: string, name: string): string {
  return `${namespace}/${name}`;
}
