/** Milliseconds: the span that counts as recent, and between two samples of it. */
const span = 30_000;
const interval = 500;

/** Tokens a second over the last half minute, from samples of a count that only grows. */
export class Throughput {
  #samples: { readonly tokens: number; readonly at: number }[] = [];

  /** `tokens` so far; `now`: any clock in milliseconds. */
  observe(tokens: number, now: number): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && now - last.at < interval) return;
    this.#samples = [...this.#samples.filter(({ at }) => now - at <= span), { tokens, at: now }];
  }

  /** Undefined before anything was measured. */
  perSecond(tokens: number, now: number): number | undefined {
    const first = this.#samples.find(({ at }) => now - at <= span);
    if (first === undefined || now <= first.at || tokens <= first.tokens) return undefined;
    return ((tokens - first.tokens) * 1000) / (now - first.at);
  }
}
