import { IndexedHeap } from "./indexed-heap.ts";
import type { PrefixRetention } from "./prefix-tree.ts";
import type { RadixBlock } from "./radix-block.ts";

interface Wish {
  readonly priority: number;
  readonly until: number;
}

/**
 * The blocks whose priority is not over. A block has its wishes from the highest priority down, each of which lasts
 * longer than the one before it; the others can never matter.
 */
export class RetainedBlocks {
  /** Told when the priority of a block changed. */
  readonly #onChange: (block: RadixBlock) => void;
  readonly #most: number;
  readonly #wishes = new Map<RadixBlock, Wish[]>();
  /** By the end of their first wish. */
  readonly #byEnd = new IndexedHeap<RadixBlock>((a, b) => this.#first(a).until < this.#first(b).until);
  #now = Number.NEGATIVE_INFINITY;

  /** `most`: blocks at a time. */
  constructor(most: number, onChange: (block: RadixBlock) => void) {
    this.#most = most;
    this.#onChange = onChange;
  }

  /** The latest time that it was told. */
  get now(): number {
    return this.#now;
  }

  get size(): number {
    return this.#wishes.size;
  }

  /** Ends what is over at `now`; a time before the latest one changes nothing. */
  advance(now: number): void {
    this.#now = Math.max(this.#now, now);
    for (let block = this.#byEnd.first(); block; block = this.#byEnd.first()) {
      if (this.#first(block).until > this.#now) return;
      this.#replace(
        block,
        this.#wishes.get(block)!.filter(({ until }) => until > this.#now),
      );
    }
  }

  /** Retains a block, unless the time is over or there are too many others. */
  add(block: RadixBlock, { priority, until }: PrefixRetention): void {
    const wishes = this.#wishes.get(block) ?? [];
    if (priority === 0 || until <= this.#now || (wishes.length === 0 && this.size >= this.#most)) return;
    if (wishes.some((wish) => wish.priority >= priority && wish.until >= until)) return;
    const others = wishes.filter((wish) => wish.priority > priority || wish.until > until);
    const behind = others.findIndex((wish) => wish.priority < priority);
    others.splice(behind < 0 ? others.length : behind, 0, { priority, until });
    this.#replace(block, others);
  }

  delete(block: RadixBlock): void {
    this.#byEnd.delete(block);
    this.#wishes.delete(block);
  }

  #replace(block: RadixBlock, wishes: Wish[]): void {
    block.priority = wishes[0]?.priority ?? 0;
    if (wishes.length === 0) this.delete(block);
    else {
      this.#wishes.set(block, wishes);
      this.#byEnd.set(block);
    }
    this.#onChange(block);
  }

  #first(block: RadixBlock): Wish {
    return this.#wishes.get(block)![0]!;
  }
}
