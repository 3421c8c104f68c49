import { KernelError } from "./kernel-error.ts";

/** What can be disposed once, on its own or by disposing what made it. */
export abstract class Disposal implements Disposable {
  readonly #noun: string;
  readonly #owner: Disposal | undefined;
  #disposed = false;

  constructor(noun: string, owner?: Disposal) {
    this.#noun = noun;
    this.#owner = owner;
  }

  /** Throws `KernelError` (`disposed`) when this, or what made it, has been disposed. */
  checkAlive(): void {
    this.#owner?.checkAlive();
    if (this.#disposed) throw new KernelError("disposed", `the ${this.#noun} is disposed`);
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Gives back what it holds; called once. */
  protected release(): void {}
}
