import type { Instruction, Rope } from "../program.ts";
import { dot } from "./operations.ts";
import type { Page } from "./page.ts";
import type { InterpreterPageMemory } from "./page-memory.ts";
import { turnAt, turnHead } from "./rotation.ts";

export type Attend = Extract<Instruction, { op: "attend" }>;

/** Where the sinks of a head are seen: so many first slots, moved so many positions. */
export type Sinks = { readonly count: number; readonly forward: number };

/** Scores of queries with the slots of one head, as one layer computes them. */
export class HeadScores {
  readonly #scale: number;
  readonly #memory: InterpreterPageMemory;
  readonly #pages: Int32Array;
  /** [sinks, headDim] keys turned to where they are seen; empty when that is where they are. */
  readonly #sinks: Float64Array;

  constructor(
    { scale }: Attend,
    rope: Rope,
    memory: InterpreterPageMemory,
    pages: Int32Array,
    { count, forward }: Sinks,
  ) {
    this.#scale = scale;
    this.#memory = memory;
    this.#pages = pages;
    this.#sinks = turnedSinks(rope, memory, pages, forward === 0 ? 0 : count, forward);
  }

  /** Of the query at element `at` of `q`. */
  score(slot: number, q: Float64Array, at: number): number {
    const { headDim, pageTokens } = this.#memory.spec;
    const sunk = slot * headDim < this.#sinks.length;
    const [keys, keyAt] = sunk ? [this.#sinks, slot] : [this.#page(slot).keys, slot % pageTokens];
    return this.#scale * dot(keys, keyAt * headDim, q, at, headDim);
  }

  position(slot: number): number {
    return this.#page(slot).positions[slot % this.#memory.spec.pageTokens]!;
  }

  #page(slot: number): Page {
    return this.#memory.page(this.#pages[Math.floor(slot / this.#memory.spec.pageTokens)]!);
  }
}

/** Stored keys already carry the rope's scale: here they are only turned. */
function turnedSinks(
  rope: Rope,
  memory: InterpreterPageMemory,
  pages: Int32Array,
  sinks: number,
  forward: number,
): Float64Array {
  const { headDim, pageTokens } = memory.spec;
  const count = Math.min(sinks, pages.length * pageTokens);
  const turn = turnAt(rope, forward, 1);
  const turned = new Float64Array(count * headDim);
  for (let slot = 0; slot < count; slot++) {
    const { keys } = memory.page(pages[Math.floor(slot / pageTokens)]!);
    turnHead(turned, slot * headDim, keys, (slot % pageTokens) * headDim, headDim, rope, turn);
  }
  return turned;
}
