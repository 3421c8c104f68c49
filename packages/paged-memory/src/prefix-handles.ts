import { InvalidHandleError } from "./errors.ts";
import type { PrefixHandle } from "./prefix-tree.ts";

/** The handles that a tree gave out: what each stands for, and how often it is locked. */
export class PrefixHandles<Blocks> {
  readonly #given = new WeakMap<PrefixHandle, { readonly blocks: Blocks; locks: number }>();

  create(tokens: number, blocks: Blocks): PrefixHandle {
    const handle = { tokens };
    this.#given.set(handle, { blocks, locks: 0 });
    return handle;
  }

  /** Counts a lock, if the blocks are still stored, and returns them. */
  lock(handle: PrefixHandle, areStored: (blocks: Blocks) => boolean): Blocks {
    const own = this.#own(handle);
    if (!areStored(own.blocks)) throw new InvalidHandleError("The blocks of the handle were evicted.");
    own.locks += 1;
    return own.blocks;
  }

  /** Takes a lock back, and returns the blocks. */
  unlock(handle: PrefixHandle): Blocks {
    const own = this.#own(handle);
    if (own.locks === 0) throw new InvalidHandleError("The handle is not locked.");
    own.locks -= 1;
    return own.blocks;
  }

  #own(handle: PrefixHandle): { readonly blocks: Blocks; locks: number } {
    const own = this.#given.get(handle);
    if (!own) throw new InvalidHandleError("The handle is not of this tree.");
    return own;
  }
}
