/** Token ids that only grow; a view costs nothing. */
export class TokenList {
  #ids: Int32Array;
  #length: number;

  constructor(ids: Int32Array) {
    this.#ids = ids.slice();
    this.#length = ids.length;
  }

  get length(): number {
    return this.#length;
  }

  push(id: number): void {
    if (this.#length === this.#ids.length) {
      const larger = new Int32Array(Math.max(64, 2 * this.#length));
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids[this.#length++] = id;
  }

  /** Ids [from, to); valid until the next `push`. */
  view(from: number, to: number): Int32Array {
    return this.#ids.subarray(from, Math.min(to, this.#length));
  }
}
