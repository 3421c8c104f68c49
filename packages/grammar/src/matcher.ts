import { GrammarError } from "./grammar-error.ts";
import type { GrammarThread } from "./thread/grammar-thread.ts";

/** Where one sequence is in its format. Calls are carried out in order; nothing is computed on the caller's thread. */
export class Matcher {
  readonly #thread: GrammarThread;
  readonly #id: number;
  #accepted: number[] = [];
  #isAnew = false;
  #isDone = false;
  #isDisposed = false;

  /** @internal Made by `Grammars.compile`. */
  constructor(thread: GrammarThread, id: number) {
    this.#thread = thread;
    this.#id = id;
  }

  /**
   * As of the last mask: the value is complete and only a stop token may follow. A number at the top may be complete
   * and still go on; then this is false, and the mask allows stop tokens beside digits.
   */
  get done(): boolean {
    return this.#isDone;
  }

  /** The next token of the text. It is sent with the next `mask()`, which fails if the token was not allowed. */
  accept(id: number): void {
    this.#accepted.push(id);
  }

  /** Starts over, with these tokens as the text so far. */
  replay(ids: Iterable<number>): void {
    this.#accepted = [...ids];
    this.#isAnew = true;
  }

  /**
   * Which tokens may follow: `[ceil(vocabSize / 32)]`, bit (id & 31) of word (id >> 5). Stop tokens are among them
   * exactly when the value may end. The caller owns it. Throws `GrammarError` with `rejected-token`, `dead-end`,
   * `disposed` or `too-large`.
   */
  async mask(): Promise<Uint32Array> {
    if (this.#isDisposed) throw new GrammarError("disposed", "the matcher was disposed of");
    const [ids, isAnew] = [this.#accepted, this.#isAnew];
    [this.#accepted, this.#isAnew] = [[], false];
    const { mask, done } = await this.#thread.next(this.#id, ids, isAnew);
    this.#isDone = done;
    return mask;
  }

  /** Frees what the matcher takes in its thread; masks that are being computed fail with `disposed`. */
  dispose(): void {
    this.#isDisposed = true;
    this.#thread.close(this.#id);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
