/** Masks by owner and state, within bounds: the least recently used ones go. */
export class MaskCache {
  readonly #most: number;
  readonly #masks = new Map<number, Uint32Array>();
  #bytes = 0;
  #owners = 0;

  /** @param bytes What all masks may take; the newest one is kept in any case. */
  constructor(bytes: number) {
    this.#most = bytes;
  }

  /** A number under which states mean something of their own. */
  newOwner(): number {
    return this.#owners++;
  }

  get(owner: number, state: number): Uint32Array | undefined {
    const key = keyOf(owner, state);
    const mask = this.#masks.get(key);
    if (mask === undefined) return undefined;
    this.#masks.delete(key);
    this.#masks.set(key, mask);
    return mask;
  }

  set(owner: number, state: number, mask: Uint32Array): void {
    for (const [key, { byteLength }] of this.#masks) {
      if (this.#bytes + mask.byteLength <= this.#most) break;
      this.#masks.delete(key);
      this.#bytes -= byteLength;
    }
    this.#masks.set(keyOf(owner, state), mask);
    this.#bytes += mask.byteLength;
  }
}

function keyOf(owner: number, state: number): number {
  return owner * 2 ** 20 + state;
}
