import { PagePool, PageTables, SequencePages } from "@kvasir/paged-memory";
import type { DType, Model, PageMemory } from "@kvasir/runtime";

const pageTokens = 16;

/** What runs a sequence: a model, or another program over the same cache layout. */
export type SequenceModel = Pick<Model, "device" | "kvLayers" | "kvHeads" | "headDim" | "run">;

/** One sequence of a model, alone: logits of a prompt and of what follows it, and what the cache then holds. */
export class CheckpointRunner implements Disposable {
  readonly #model: SequenceModel;
  readonly #memory: PageMemory;
  readonly #pages: SequencePages;
  readonly #tables = new PageTables();

  /** @param maxTokens the longest that the sequence will get @param dtype format of the pages */
  constructor(model: SequenceModel, maxTokens: number, dtype: DType = "f32") {
    this.#model = model;
    const { kvLayers, kvHeads, headDim } = model;
    const pages = kvLayers * kvHeads * Math.ceil(maxTokens / pageTokens);
    this.#memory = model.device.pageMemory({ pages, pageTokens, headDim, dtype });
    this.#pages = new SequencePages({ pool: new PagePool({ pages }), kvLayers, kvHeads, pageTokens });
  }

  /** Appends tokens. Logits [rows.length, vocabSize] after those of them that `rows` names, in rising order. */
  async logits(
    ids: Int32Array,
    rows: Int32Array = Int32Array.from(ids, (_, row) => row),
  ): Promise<Float32Array> {
    const resident = new Int32Array(this.#pages.heads);
    const position = this.#pages.seen;
    this.#pages.residentInto(resident, 0);
    this.#pages.append(ids.length);
    this.#tables.clear();
    this.#tables.add(this.#pages);
    const result = await this.#model.run(this.#memory, {
      tokens: ids,
      sequences: [{ rows: ids.length, position, resident, pages: this.#tables.pages, sinks: 0 }],
      outputs: rows,
      returnLogits: true,
    });
    return result.logits!;
  }

  /** Of every head of a KV layer, [tokens, headDim] as stored: keys are turned to their positions. */
  readSlots(layer: number, data: "keys" | "values"): Promise<Float32Array[]> {
    const tables = Array.from({ length: this.#pages.kvHeads }, (_, head) => ({
      pages: this.#pages.pages(layer, head),
      slots: this.#pages.resident(layer, head),
    }));
    return this.#memory.readSlots(data, tables);
  }

  dispose(): void {
    this.#pages.dispose();
    this.#memory.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
