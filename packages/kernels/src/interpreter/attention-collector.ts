import type { AttentionCollection } from "../step.ts";
import type { HeadAttention, Query } from "./attention.ts";
import { gumbelNoise } from "./gumbel-noise.ts";
import type { KvTable } from "./kv-table.ts";
import type { InterpreterPageMemory } from "./page-memory.ts";
import { reduceHeads } from "./reduction.ts";
import { softmax } from "./softmax.ts";

/** Adds the attention that rows pay to the slots of one head to their sums. */
export class AttentionCollector {
  readonly #collection: AttentionCollection;
  readonly #attention: HeadAttention;
  readonly #memory: InterpreterPageMemory;
  readonly #table: KvTable;
  readonly #head: { readonly kvLayer: number; readonly kvHead: number };
  readonly #layers: number;

  /** `layers`: how many attend to the KV layer. */
  constructor(
    collection: AttentionCollection,
    attention: HeadAttention,
    memory: InterpreterPageMemory,
    table: KvTable,
    head: { readonly kvLayer: number; readonly kvHead: number },
    layers: number,
  ) {
    this.#collection = collection;
    this.#attention = attention;
    this.#memory = memory;
    this.#table = table;
    this.#head = head;
    this.#layers = layers;
  }

  /** `queries`: of the heads of one row that share the KV head. */
  addRow(queries: readonly Query[]): void {
    const { pageTokens } = this.#memory.spec;
    const heads = queries.map((query) => softmax(this.#adjusted(this.#attention.scores(query))));
    for (const [slot, share] of reduceHeads(this.#collection.reduce, heads).entries()) {
      const page = this.#table.pages[Math.floor(slot / pageTokens)]!;
      this.#memory.addAttention(page, slot % pageTokens, share / this.#layers);
    }
  }

  #adjusted(scores: Float64Array): Float64Array {
    const { temperature, noiseSeed } = this.#collection;
    const { kvLayer, kvHead } = this.#head;
    const divisor = Math.fround(temperature);
    if (noiseSeed === undefined) return scores.map((score) => score / divisor);
    return scores.map((score, slot) => {
      const noise = gumbelNoise(noiseSeed, this.#attention.position(slot), kvLayer, kvHead);
      return (score + noise) / divisor;
    });
  }
}
