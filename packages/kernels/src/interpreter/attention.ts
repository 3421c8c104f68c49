import type { Rope } from "../program.ts";
import { type Attend, HeadScores } from "./head-scores.ts";
import type { KvTable } from "./kv-table.ts";
import type { InterpreterPageMemory } from "./page-memory.ts";

/** One query head of one row. */
export type Query = {
  readonly q: Float64Array;
  /** Its first element in `q` and in `out`. */
  readonly at: number;
  readonly position: number;
  /** The slot of the row itself. */
  readonly slot: number;
};

/** Attention of queries of one sequence to one KV head. */
export class HeadAttention {
  readonly #instruction: Attend;
  readonly #memory: InterpreterPageMemory;
  readonly #table: KvTable;
  readonly #keys: HeadScores;

  /** `forward`: how many positions `sinks` slots are moved. */
  constructor(
    instruction: Attend,
    rope: Rope,
    memory: InterpreterPageMemory,
    table: KvTable,
    sinks: number,
    forward: number,
  ) {
    this.#instruction = instruction;
    this.#memory = memory;
    this.#table = table;
    this.#keys = new HeadScores(instruction, rope, memory, table.pages, { count: sinks, forward });
  }

  /** out = softmax(scale * q . K) . V; zeros where nothing is visible. */
  attend(out: Float64Array, query: Query): void {
    const { headDim, pageTokens } = this.#memory.spec;
    const scores = this.scores(query);
    const head = out.subarray(query.at, query.at + headDim).fill(0);
    const largest = scores.reduce((a, b) => Math.max(a, b), -Infinity);
    if (largest === -Infinity) return;
    let sum = 0;
    for (let slot = 0; slot < scores.length; slot++) {
      const weight = Math.exp(scores[slot]! - largest);
      if (weight === 0) continue;
      sum += weight;
      const { values } = this.#memory.page(this.#table.pages[Math.floor(slot / pageTokens)]!);
      const at = (slot % pageTokens) * headDim;
      for (let i = 0; i < headDim; i++) head[i]! += weight * values[at + i]!;
    }
    for (let i = 0; i < headDim; i++) head[i]! /= sum;
  }

  /** Of every slot up to the row's; -Infinity where the window hides it. */
  scores({ q, at, position, slot: own }: Query): Float64Array {
    const { strict, window } = this.#instruction;
    return Float64Array.from({ length: strict ? own : own + 1 }, (_, slot) => {
      const hidden = window > 0 && this.#keys.position(slot) <= position - window;
      return hidden ? -Infinity : this.#keys.score(slot, q, at);
    });
  }

  /** The stored position of a slot. */
  position(slot: number): number {
    return this.#keys.position(slot);
  }
}
