import type { SequencePages } from "./sequence-pages.ts";

/**
 * The page tables of a batch, flat, as a native step wants them. One object is reused for all steps: `clear()`, then
 * `add()` each sequence in batch order. The views are valid until the next `clear()` or `add()`.
 */
export class PageTables {
  #resident = new Int32Array(64);
  #starts = new Int32Array(64);
  #pages = new Int32Array(256);
  #heads = 0;
  #entries = 0;

  /** Resident length of every head, `[sequences, kvLayers, kvHeads]`, appended slots included. */
  get resident(): Int32Array {
    return this.#resident.subarray(0, this.#heads);
  }

  /** Where each head's page ids start in `pages`, `[sequences, kvLayers, kvHeads]`. */
  get starts(): Int32Array {
    return this.#starts.subarray(0, this.#heads);
  }

  /** Page ids of all heads, one after another. */
  get pages(): Int32Array {
    return this.#pages.subarray(0, this.#entries);
  }

  /** Forgets the sequences; keeps the buffers. */
  clear(): void {
    this.#heads = 0;
    this.#entries = 0;
  }

  /** Adds the tables of a sequence. Does not modify the sequence, holds no reference to it. */
  add(sequence: SequencePages): void {
    const heads = this.#heads + sequence.heads;
    const entries = this.#entries + sequence.pageCount;
    this.#resident = grown(this.#resident, heads);
    this.#starts = grown(this.#starts, heads);
    this.#pages = grown(this.#pages, entries);
    sequence.residentInto(this.#resident, this.#heads);
    sequence.tablesInto(this.#pages, this.#entries, this.#starts, this.#heads);
    this.#heads = heads;
    this.#entries = entries;
  }
}

function grown(buffer: Int32Array<ArrayBuffer>, length: number): Int32Array<ArrayBuffer> {
  if (length <= buffer.length) return buffer;
  const larger = new Int32Array(Math.max(length, buffer.length * 2));
  larger.set(buffer);
  return larger;
}
