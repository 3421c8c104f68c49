/** Counts the users of something, the first of whom made it, and closes it after the last. */
export class SharedUse {
  #users = 1;
  readonly #close: () => void;

  constructor(close: () => void) {
    this.#close = close;
  }

  retain(): void {
    this.#users++;
  }

  release(): void {
    if (--this.#users === 0) this.#close();
  }
}
