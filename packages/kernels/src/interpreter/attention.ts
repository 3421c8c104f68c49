import type { Instruction, Rope } from "../program.ts";
import type { KvTable } from "./kv-table.ts";
import { dot } from "./operations.ts";
import type { InterpreterPageMemory } from "./page-memory.ts";
import { turnAt, turnHead } from "./rotation.ts";

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
  readonly #instruction: Extract<Instruction, { op: "attend" }>;
  readonly #memory: InterpreterPageMemory;
  readonly #table: KvTable;
  /** [sinks, headDim] keys turned to where they are seen; empty when that is where they are. */
  readonly #sinks: Float64Array;

  /** `forward`: how many positions `sinks` slots are moved. */
  constructor(
    instruction: Extract<Instruction, { op: "attend" }>,
    rope: Rope,
    memory: InterpreterPageMemory,
    table: KvTable,
    sinks: number,
    forward: number,
  ) {
    this.#instruction = instruction;
    this.#memory = memory;
    this.#table = table;
    this.#sinks = turnedSinks(rope, memory, table, forward === 0 ? 0 : sinks, forward);
  }

  /** out = softmax(scale * q . K) . V; zeros where nothing is visible. */
  attend(out: Float64Array, query: Query): void {
    const { headDim, pageTokens } = this.#memory.spec;
    const scores = this.#scores(query);
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
  #scores({ q, at, position, slot: own }: Query): Float64Array {
    const { scale, strict, window } = this.#instruction;
    const { headDim, pageTokens } = this.#memory.spec;
    const scores = new Float64Array(strict ? own : own + 1);
    const sinkElements = this.#sinks.length;
    for (let slot = 0; slot < scores.length; slot++) {
      const { keys, positions } = this.#memory.page(this.#table.pages[Math.floor(slot / pageTokens)]!);
      const slotInPage = slot % pageTokens;
      if (window > 0 && positions[slotInPage]! <= position - window) scores[slot] = -Infinity;
      else if (slot * headDim < sinkElements)
        scores[slot] = scale * dot(this.#sinks, slot * headDim, q, at, headDim);
      else scores[slot] = scale * dot(keys, slotInPage * headDim, q, at, headDim);
    }
    return scores;
  }
}

/** Stored keys already carry the rope's scale: here they are only turned. */
function turnedSinks(
  rope: Rope,
  memory: InterpreterPageMemory,
  table: KvTable,
  sinks: number,
  forward: number,
): Float64Array {
  const { headDim, pageTokens } = memory.spec;
  const count = Math.min(sinks, table.pages.length * pageTokens);
  const turn = turnAt(rope, forward, 1);
  const turned = new Float64Array(count * headDim);
  for (let slot = 0; slot < count; slot++) {
    const { keys } = memory.page(table.pages[Math.floor(slot / pageTokens)]!);
    turnHead(turned, slot * headDim, keys, (slot % pageTokens) * headDim, headDim, rope, turn);
  }
  return turned;
}
