import type { StepSequence } from "../src/step.ts";
import { Random } from "./random.ts";

/** Page ids in an order of their own. */
export class PageIds {
  readonly #free: number[];

  constructor(free: number[]) {
    this.#free = free;
  }

  static inOrder(count: number): PageIds {
    return new PageIds(Array.from({ length: count }, (_, i) => count - 1 - i));
  }

  static scattered(count: number, seed: number): PageIds {
    return new PageIds(new Random(seed).permutation(count));
  }

  take(): number {
    const id = this.#free.pop();
    if (id === undefined) throw new Error("the test has too few pages");
    return id;
  }
}

/** The page tables of one sequence: [kvLayers * kvHeads]. */
export class PagedSequence {
  position = 0;
  readonly resident: number[];
  readonly tables: number[][];
  readonly #ids: PageIds;
  readonly #pageTokens: number;

  constructor(ids: PageIds, pageTokens: number, heads: number) {
    this.#ids = ids;
    this.#pageTokens = pageTokens;
    this.resident = new Array(heads).fill(0);
    this.tables = Array.from({ length: heads }, () => []);
  }

  /** Its part of the next step, whose rows count as resident from here on. */
  next(rows: number, sinks = 0): StepSequence {
    const part = { rows, position: this.position, resident: Int32Array.from(this.resident), sinks };
    this.tables.forEach((table, head) => {
      this.resident[head]! += rows;
      while (table.length * this.#pageTokens < this.resident[head]!) table.push(this.#ids.take());
    });
    this.position += rows;
    return { ...part, pages: Int32Array.from(this.tables.flat()) };
  }

  /** What `readSlots` takes. */
  slotTables(): { pages: Int32Array; slots: number }[] {
    return this.tables.map((table, head) => ({ pages: Int32Array.from(table), slots: this.resident[head]! }));
  }
}
