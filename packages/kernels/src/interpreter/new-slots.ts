import type { Program } from "../program.ts";
import type { KvTable, RunningSequence } from "./kv-table.ts";
import type { InterpreterPageMemory } from "./page-memory.ts";

/** The slots that a step gives to its rows. */
export class NewSlots {
  readonly #kvHeads: number;
  readonly #headDim: number;
  readonly #memory: InterpreterPageMemory;

  constructor({ kvHeads, headDim }: Program, memory: InterpreterPageMemory) {
    this.#kvHeads = kvHeads;
    this.#headDim = headDim;
    this.#memory = memory;
  }

  /** Nobody has paid attention to them yet. */
  forgetAttention(sequence: RunningSequence): void {
    for (const { table, i } of this.#newSlots(sequence, sequence.tables)) {
      const { page, slot } = this.#slot(table, i);
      this.#memory.forgetAttention(page, slot);
    }
  }

  /** Stores [row, kvHeads * headDim] of k and v. */
  write(sequence: RunningSequence, row: number, kvLayer: number, k: Float64Array, v: Float64Array): void {
    const i = row - sequence.from;
    for (let head = 0; head < this.#kvHeads; head++) {
      const { page, slot } = this.#slot(sequence.tables[kvLayer * this.#kvHeads + head]!, i);
      const at = (row * this.#kvHeads + head) * this.#headDim;
      this.#memory.writeSlot(page, slot, k, v, at, sequence.position + i);
    }
  }

  /** Zero keys and values, at the positions of their rows. */
  clear(sequence: RunningSequence, kvLayers: readonly number[]): void {
    const zeros = new Float64Array(this.#headDim);
    for (const { table, i } of this.#newSlots(sequence, this.#tables(sequence, kvLayers))) {
      const { page, slot } = this.#slot(table, i);
      this.#memory.writeSlot(page, slot, zeros, zeros, 0, sequence.position + i);
    }
  }

  /** All their keys and values as they are stored. */
  read(sequence: RunningSequence, kvLayers: readonly number[]): Float32Array {
    const slots = [...this.#newSlots(sequence, this.#tables(sequence, kvLayers))];
    const all = new Float32Array(slots.length * 2 * this.#headDim);
    slots.forEach(({ table, i }, n) => {
      const { page, slot } = this.#slot(table, i);
      const { keys, values } = this.#memory.page(page);
      const [start, end] = [slot * this.#headDim, (slot + 1) * this.#headDim];
      all.set(keys.subarray(start, end), 2 * n * this.#headDim);
      all.set(values.subarray(start, end), (2 * n + 1) * this.#headDim);
    });
    return all;
  }

  *#newSlots(sequence: RunningSequence, tables: readonly KvTable[]): Iterable<{ table: KvTable; i: number }> {
    for (const table of tables) {
      for (let i = 0; i < sequence.to - sequence.from; i++) yield { table, i };
    }
  }

  #tables(sequence: RunningSequence, kvLayers: readonly number[]): KvTable[] {
    return kvLayers.flatMap((kvLayer) =>
      sequence.tables.slice(kvLayer * this.#kvHeads, (kvLayer + 1) * this.#kvHeads),
    );
  }

  #slot({ pages, resident }: KvTable, i: number): { page: number; slot: number } {
    const { pageTokens } = this.#memory.spec;
    return { page: pages[Math.floor((resident + i) / pageTokens)]!, slot: (resident + i) % pageTokens };
  }
}
