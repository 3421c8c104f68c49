import { InvalidArgumentError } from "./errors.ts";

/** One row of page ids per head of a sequence, in one array, and the heads' resident lengths. Plain storage. */
export class HeadTables {
  readonly pageTokens: number;
  /** Slots in use, by head. */
  readonly resident: Int32Array;
  #entries: Int32Array;
  /** Entries that a row has room for. */
  #stride: number;
  #pageCount = 0;

  constructor(heads: number, pageTokens: number, stride = 4) {
    this.pageTokens = pageTokens;
    this.resident = new Int32Array(heads);
    this.#stride = stride;
    this.#entries = new Int32Array(heads * stride);
  }

  get heads(): number {
    return this.resident.length;
  }

  /** Pages of all rows. */
  get pageCount(): number {
    return this.#pageCount;
  }

  /** Pages that so many slots take. */
  pagesFor(slots: number): number {
    return Math.ceil(slots / this.pageTokens);
  }

  /** Pages of a head. */
  length(index: number): number {
    return this.pagesFor(this.resident[index]!);
  }

  get(index: number, entry: number): number {
    return this.#entries[index * this.#stride + entry]!;
  }

  set(index: number, entry: number, page: number): void {
    this.#entries[index * this.#stride + entry] = page;
  }

  /** A copy of a head's row. */
  row(index: number): Int32Array {
    const start = index * this.#stride;
    return this.#entries.slice(start, start + this.length(index));
  }

  /** Sets a head's resident length and makes room for its pages; entries beyond the old ones are for the caller. */
  resize(index: number, slots: number): void {
    this.#reserve(this.pagesFor(slots));
    this.#pageCount += this.pagesFor(slots) - this.length(index);
    this.resident[index] = slots;
  }

  forEachPage(visit: (page: number) => void): void {
    for (let index = 0; index < this.heads; index++) {
      const start = index * this.#stride;
      const end = start + this.length(index);
      for (let entry = start; entry < end; entry++) visit(this.#entries[entry]!);
    }
  }

  /** Writes all rows to `target[offset..]`, one after another, and where each starts to `starts[startOffset..]`. */
  copyInto(target: Int32Array, offset: number, starts: Int32Array, startOffset: number): void {
    requireRoom("pages", target, offset, this.pageCount);
    requireRoom("starts", starts, startOffset, this.heads);
    let position = offset;
    for (let index = 0; index < this.heads; index++) {
      starts[startOffset + index] = position;
      const start = index * this.#stride;
      const end = start + this.length(index);
      for (let entry = start; entry < end; entry++) target[position++] = this.#entries[entry]!;
    }
  }

  clone(): HeadTables {
    const clone = new HeadTables(this.heads, this.pageTokens, this.#stride);
    clone.#entries.set(this.#entries);
    clone.resident.set(this.resident);
    clone.#pageCount = this.#pageCount;
    return clone;
  }

  /** Makes room for `pages` entries in every row. */
  #reserve(pages: number): void {
    if (pages <= this.#stride) return;
    const stride = Math.max(pages, Math.ceil(this.#stride * 1.5));
    const wider = new Int32Array(this.heads * stride);
    for (let index = 0; index < this.heads; index++) {
      const start = index * this.#stride;
      wider.set(this.#entries.subarray(start, start + this.#stride), index * stride);
    }
    this.#entries = wider;
    this.#stride = stride;
  }
}

function requireRoom(field: string, target: Int32Array, offset: number, entries: number): void {
  if (offset + entries <= target.length) return;
  throw new InvalidArgumentError(
    field,
    `room for ${entries} entries at ${offset}`,
    `${target.length} entries`,
  );
}
