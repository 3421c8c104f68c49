import type { Device, PageMemory, Program, Step, StepResult, StepSequence } from "@kvasir/kernels";

const pageTokens = 16;

type Runner = { run(memory: PageMemory, step: Step): Promise<StepResult> };

/** One sequence whose every head has its own run of pages, for tests that need no allocator. */
export class TestSequence {
  readonly memory: PageMemory;
  readonly #shape: Program;
  readonly #pagesPerTable: number;
  readonly #firstPage: number;
  #seen = 0;

  /** `beside`: another sequence of the same shape and length, which has room for one in its memory. */
  constructor(device: Device, shape: Program, maxTokens: number, beside?: TestSequence) {
    this.#shape = shape;
    this.#pagesPerTable = Math.ceil(maxTokens / pageTokens);
    const pages = this.#tables * this.#pagesPerTable;
    const { headDim } = shape;
    this.memory =
      beside?.memory ?? device.pageMemory({ pages: 2 * pages, pageTokens, headDim, dtype: "f32" });
    this.#firstPage = beside ? pages : 0;
  }

  get #tables(): number {
    return this.#shape.kvLayers * this.#shape.kvHeads;
  }

  /** The pages behind the first `slots` slots of a table. */
  pages(table: number, slots: number): number[] {
    const first = this.#firstPage + table * this.#pagesPerTable;
    return Array.from({ length: Math.ceil(slots / pageTokens) }, (_, i) => first + i);
  }

  /** Its part of a step that runs its next `rows` tokens. */
  part(rows: number): StepSequence {
    const tables = Array.from({ length: this.#tables }, (_, table) => table);
    const position = this.#seen;
    this.#seen += rows;
    return {
      rows,
      position,
      resident: Int32Array.from(tables, () => position),
      pages: Int32Array.from(tables.flatMap((table) => this.pages(table, position + rows))),
      sinks: 0,
    };
  }

  /** Runs the next tokens; the logits of those named by `outputs`, by default all, [outputs, vocabSize]. */
  async feed(
    runner: Runner,
    tokens: readonly number[],
    outputs: readonly number[] = tokens.map((_, i) => i),
  ): Promise<Float32Array> {
    const { logits } = await runner.run(this.memory, {
      tokens: Int32Array.from(tokens),
      sequences: [this.part(tokens.length)],
      outputs: Int32Array.from(outputs),
      returnLogits: true,
    });
    return logits!;
  }

  /** The keys in the cache so far, [tables * tokens, headDim]. */
  async keys(): Promise<Float32Array[]> {
    const tables = Array.from({ length: this.#tables }, (_, table) => ({
      pages: Int32Array.from(this.pages(table, this.#seen)),
      slots: this.#seen,
    }));
    return this.memory.readSlots("keys", tables);
  }
}
