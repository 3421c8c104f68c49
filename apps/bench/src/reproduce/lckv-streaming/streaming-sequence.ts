import { createPolicy, type Policy } from "@kvasir/kv-policies";
import { SequencePages } from "@kvasir/paged-memory";
import { type Compaction, greedySampling, type Model } from "@kvasir/runtime";
import { type KvMemory, pageTokens } from "../kv-memory.ts";

export type StreamingOptions = {
  readonly model: Model;
  /** Filled: its pages' contents stand for tokens that were read. */
  readonly kv: KvMemory;
  /** Sinks and window, in tokens; at least a page. */
  readonly cache: number;
  readonly sinks: number;
};

/** One sequence in the middle of a long stream: a full cache under the policy `streaming-llm`, without an engine around it. */
export class StreamingSequence implements Disposable {
  readonly #model: Model;
  readonly #kv: KvMemory;
  readonly #policy: Policy;
  readonly #pages: SequencePages;
  readonly #sinks: number;
  #newest = 1;
  /** Pages in use at their highest. */
  peakPages = 0;

  /** Throws `PolicyError` for a cache that is none, `OutOfPagesError` where the pages do not fit. */
  constructor({ model, kv, cache, sinks }: StreamingOptions) {
    const { kvLayers, kvHeads } = model;
    this.#model = model;
    this.#kv = kv;
    this.#sinks = sinks;
    this.#policy = createPolicy(
      "streaming-llm",
      { budget: cache, sinks },
      { layers: kvLayers, heads: kvHeads, pageTokens, signals: [] },
    );
    this.#pages = new SequencePages({ pool: kv.pool, kvLayers, kvHeads, pageTokens });
    try {
      // Far enough in the stream that the sinks are turned.
      this.#pages.restore(new Int32Array(kvLayers * kvHeads).fill(cache), 2 * cache);
    } catch (error) {
      this.#pages.dispose();
      throw error;
    }
  }

  /** Tokens seen so far, evicted ones included. */
  get seen(): number {
    return this.#pages.seen;
  }

  /** Slots in use of a head. */
  resident(layer: number, head: number): number {
    return this.#pages.resident(layer, head);
  }

  /** Appends the newest token, draws the next one, and evicts what the policy says. Gives its milliseconds. */
  async decode(): Promise<number> {
    const start = performance.now();
    const pages = this.#pages;
    const resident = new Int32Array(pages.heads);
    const position = pages.seen;
    pages.residentInto(resident, 0);
    pages.append(1);
    this.peakPages = Math.max(this.peakPages, pages.pageCount);
    const tables = new Int32Array(pages.pageCount);
    pages.tablesInto(tables, 0, new Int32Array(pages.heads), 0);
    const { tokens } = await this.#model.run(this.#kv.pages, {
      tokens: Int32Array.of(this.#newest),
      sequences: [{ rows: 1, position, resident, pages: tables, sinks: this.#sinks }],
      outputs: Int32Array.of(0),
      sampling: [greedySampling],
    });
    this.#newest = tokens[0]!;
    const moves = this.#evict();
    const moved = moves.length > 0 ? this.#kv.pages.compact(moves) : Promise.resolve();
    pages.commit();
    await moved;
    return performance.now() - start;
  }

  #evict(): Compaction[] {
    const { seen, kvLayers, kvHeads } = this.#pages;
    const moves: Compaction[] = [];
    for (let layer = 0; layer < kvLayers; layer++) {
      for (let head = 0; head < kvHeads; head++) {
        const resident = this.#pages.resident(layer, head);
        const query = { layer, head, seen, resident, phase: "decode" as const };
        if (!this.#policy.overBudget(query)) continue;
        const plan = this.#pages.keep(layer, head, this.#policy.select({ ...query, signals: {} }));
        if (plan.keep.length === 0) continue;
        moves.push({ source: plan.sourcePages, keep: plan.keep, destination: plan.destinationPages });
      }
    }
    return moves;
  }

  dispose(): void {
    this.#pages.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
