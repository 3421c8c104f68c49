/** What the engine's loop writes and one reader takes, in order. After `end` or `fail` nothing more is taken in. */
export class ChunkQueue<T> implements AsyncIterableIterator<T> {
  readonly #items: T[] = [];
  readonly #capacity: number;
  /** Called when a queue that was full has room again, or will take nothing any more. */
  onRoom: (() => void) | undefined;
  #state: "open" | "ended" | "failed" = "open";
  #error: unknown;
  #wake: (() => void) | undefined;

  /** @param capacity pieces that may wait for their reader; with that many, the writer is to pause */
  constructor(capacity = 256) {
    this.#capacity = capacity;
  }

  /** Its reader is so far behind that the writer should wait for `onRoom`. */
  get full(): boolean {
    return this.#items.length >= this.#capacity;
  }

  push(item: T): void {
    if (this.#state !== "open") return;
    this.#items.push(item);
    this.#wake?.();
  }

  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#wake?.();
  }

  fail(error: unknown): void {
    if (this.#state === "open") {
      this.#state = "failed";
      this.#error = error;
    }
    this.#wake?.();
  }

  async next(): Promise<IteratorResult<T>> {
    while (this.#items.length === 0) {
      if (this.#state === "ended") return { value: undefined, done: true };
      if (this.#state === "failed") {
        this.#state = "ended";
        throw this.#error;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    const wasFull = this.full;
    const value = this.#items.shift()!;
    if (wasFull && !this.full) this.onRoom?.();
    return { value, done: false };
  }

  async return(): Promise<IteratorResult<T>> {
    this.#items.length = 0;
    this.end();
    this.onRoom?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
