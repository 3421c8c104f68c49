import type { CompactionPlan, PageCopies, PagePool, SequencePages } from "../src/index.ts";

/** What native code does with pages, on an array of numbers: one per slot. */
export class FakeMemory {
  readonly #pageTokens: number;
  readonly #slots: Float64Array;

  constructor(pool: PagePool, pageTokens: number) {
    this.#pageTokens = pageTokens;
    this.#slots = new Float64Array(pool.capacity * pageTokens).fill(Number.NaN);
  }

  copyPages({ from, to }: PageCopies): void {
    from.forEach((page, i) => {
      const start = page * this.#pageTokens;
      this.#slots.copyWithin(to[i]! * this.#pageTokens, start, start + this.#pageTokens);
    });
  }

  compact({ sourcePages, keep, destinationPages }: CompactionPlan): void {
    keep.forEach((slot, j) => {
      this.#slots[this.#at(destinationPages, j)] = this.#slots[this.#at(sourcePages, slot)]!;
    });
  }

  write(pages: Int32Array, slot: number, value: number): void {
    this.#slots[this.#at(pages, slot)] = value;
  }

  read(pages: Int32Array, slots: number): number[] {
    return Array.from({ length: slots }, (_, slot) => this.#slots[this.#at(pages, slot)]!);
  }

  /** Whether the first slots hold these values. */
  holds(pages: Int32Array, values: readonly number[]): boolean {
    for (let slot = 0; slot < values.length; slot++)
      if (this.#slots[this.#at(pages, slot)] !== values[slot]) return false;
    return true;
  }

  /** Appends one value per token to every head, with the copies that this takes. */
  append(
    sequence: SequencePages,
    values: (layer: number, head: number, i: number) => number,
    count: number,
  ): void {
    this.copyPages(sequence.append(count));
    sequence.commit();
    for (let layer = 0; layer < sequence.kvLayers; layer++) {
      for (let head = 0; head < sequence.kvHeads; head++) {
        const pages = sequence.pages(layer, head);
        const start = sequence.resident(layer, head) - count;
        for (let i = 0; i < count; i++) this.write(pages, start + i, values(layer, head, i));
      }
    }
  }

  #at(pages: Int32Array, slot: number): number {
    return pages[Math.floor(slot / this.#pageTokens)]! * this.#pageTokens + (slot % this.#pageTokens);
  }
}
