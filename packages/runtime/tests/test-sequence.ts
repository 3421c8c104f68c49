import type { Device, DType, PageMemory, Program, Step, StepResult } from "@kvasir/kernels";

const pageTokens = 16;

/** One sequence whose every head has its own run of pages, for tests that need no allocator. */
export class TestSequence {
  readonly memory: PageMemory;
  readonly #shape: Program;
  readonly #pagesPerTable: number;
  #seen = 0;

  constructor(device: Device, shape: Program, maxTokens: number, dtype: DType = "f32") {
    this.#shape = shape;
    this.#pagesPerTable = Math.ceil(maxTokens / pageTokens);
    const pages = this.#tables * this.#pagesPerTable;
    this.memory = device.pageMemory({ pages, pageTokens, headDim: shape.headDim, dtype });
  }

  get #tables(): number {
    return this.#shape.kvLayers * this.#shape.kvHeads;
  }

  /** The pages behind the first `slots` slots of a table. */
  pages(table: number, slots: number): number[] {
    return Array.from({ length: Math.ceil(slots / pageTokens) }, (_, i) => table * this.#pagesPerTable + i);
  }

  /** Runs the next tokens; the logits of those named by `outputs`, by default all, [outputs, vocabSize]. */
  async feed(
    runner: { run(memory: PageMemory, step: Step): Promise<StepResult> },
    tokens: readonly number[],
    outputs: readonly number[] = tokens.map((_, i) => i),
  ): Promise<Float32Array> {
    const rows = tokens.length;
    const tables = Array.from({ length: this.#tables }, (_, table) => table);
    const { logits } = await runner.run(this.memory, {
      tokens: Int32Array.from(tokens),
      sequences: [
        {
          rows,
          position: this.#seen,
          resident: Int32Array.from(tables, () => this.#seen),
          pages: Int32Array.from(tables.flatMap((table) => this.pages(table, this.#seen + rows))),
          sinks: 0,
        },
      ],
      outputs: Int32Array.from(outputs),
      returnLogits: true,
    });
    this.#seen += rows;
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
