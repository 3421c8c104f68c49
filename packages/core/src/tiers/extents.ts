import { IntegrityError } from "@kvasir/paged-memory";

/** A run of bytes of a file. */
export type Extent = { readonly start: number; readonly bytes: number };

/** Which runs of a file are in use: first fit, and neighbours that are free are one. Numbers only. */
export class Extents {
  readonly capacity: number;
  /** Free runs, in order; no two touch. */
  #free: Extent[];
  #usedBytes = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#free = capacity > 0 ? [{ start: 0, bytes: capacity }] : [];
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The first run that is long enough, or undefined. `bytes` is at least 1. */
  allocate(bytes: number): Extent | undefined {
    const index = this.#free.findIndex((run) => run.bytes >= bytes);
    const run = this.#free[index];
    if (!run) return undefined;
    const rest = { start: run.start + bytes, bytes: run.bytes - bytes };
    this.#free.splice(index, 1, ...(rest.bytes > 0 ? [rest] : []));
    this.#usedBytes += bytes;
    return { start: run.start, bytes };
  }

  /** Takes back what `allocate` gave. @throws IntegrityError, with nothing changed, for anything of it that is free */
  free({ start, bytes }: Extent): void {
    const index = this.#firstBehind(start);
    const before = this.#free[index - 1];
    const behind = this.#free[index];
    const end = start + bytes;
    if ((before && before.start + before.bytes > start) || end > (behind?.start ?? this.capacity))
      throw new IntegrityError([`bytes ${start} to ${end} of the file are not in use`]);
    const joinsBefore = before !== undefined && before.start + before.bytes === start;
    const joinsBehind = behind !== undefined && behind.start === end;
    const from = joinsBefore ? before.start : start;
    const to = joinsBehind ? behind.start + behind.bytes : end;
    const run = { start: from, bytes: to - from };
    this.#free.splice(index - Number(joinsBefore), Number(joinsBefore) + Number(joinsBehind), run);
    this.#usedBytes -= bytes;
  }

  /** Checks the free runs against each other and the count. @throws IntegrityError */
  checkIntegrity(): void {
    const differences: string[] = [];
    let end = -1;
    let free = 0;
    for (const { start, bytes } of this.#free) {
      if (start <= end || bytes < 1) differences.push(`the free run at ${start} touches the one before`);
      end = start + bytes;
      free += bytes;
    }
    if (end > this.capacity) differences.push(`the last free run ends at ${end} of ${this.capacity}`);
    if (free + this.#usedBytes !== this.capacity)
      differences.push(`${free} free + ${this.#usedBytes} used is not ${this.capacity}`);
    if (differences.length > 0) throw new IntegrityError(differences);
  }

  /** Index of the first free run that starts at `start` or behind it. */
  #firstBehind(start: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#free[middle]!.start < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
