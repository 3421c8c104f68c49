/** The cache of one KV head in plain arrays. */
export class NaiveHead {
  readonly #headDim: number;
  #slots: {
    readonly key: ArrayLike<number>;
    readonly value: ArrayLike<number>;
    readonly position: number;
  }[] = [];

  constructor(headDim: number) {
    this.#headDim = headDim;
  }

  append(key: ArrayLike<number>, value: ArrayLike<number>, position: number): void {
    this.#slots.push({ key, value, position });
  }

  keep(slots: Int32Array): void {
    this.#slots = Array.from(slots, (slot) => this.#slots[slot]!);
  }

  /** Of a query that stands in the last slot. */
  attend(
    query: ArrayLike<number>,
    scale: number,
    { strict, window }: { readonly strict: boolean; readonly window: number },
    position: number,
  ): number[] {
    const visible = this.#slots
      .slice(0, strict ? -1 : undefined)
      .filter((slot) => window === 0 || slot.position > position - window);
    const scores = visible.map(({ key }) => scale * this.#dot(key, query));
    const largest = Math.max(...scores);
    const weights = scores.map((score) => Math.exp(score - largest));
    const sum = weights.reduce((a, b) => a + b, 0);
    const out = new Array<number>(this.#headDim).fill(0);
    for (const [s, { value }] of visible.entries()) {
      for (let i = 0; i < out.length; i++) out[i]! += (weights[s]! / sum) * value[i]!;
    }
    return out;
  }

  #dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
    let sum = 0;
    for (let i = 0; i < this.#headDim; i++) sum += a[i]! * b[i]!;
    return sum;
  }
}
