import type { Device, PageMemory, PageMemorySpec, Step, StepSequence } from "@kvasir/kernels";
import { type AttentionShape, type PrefixPrograms, vocabSize } from "./prefix-programs.ts";

export type BatchShape = {
  readonly sequences: number;
  /** Tokens that all sequences begin with, whole pages. */
  readonly prefix: number;
  /** Tokens of each sequence after them. */
  readonly own: number;
};

/** Slots of a page. */
const pageTokens = 16;
const chunk = 512;

/** Sequences that begin with the same tokens, in the same pages or each in pages of its own. */
export class PrefixBatch implements Disposable {
  readonly #programs: PrefixPrograms;
  readonly #memory: PageMemory;
  readonly #shape: BatchShape;
  readonly #kvHeads: number;
  /** Of each sequence and KV head. */
  readonly #tables: readonly (readonly number[])[][];

  constructor(
    device: Device,
    programs: PrefixPrograms,
    { kvHeads, headDim }: AttentionShape,
    shape: BatchShape,
    { shared, dtype }: { readonly shared: boolean; readonly dtype: PageMemorySpec["dtype"] },
  ) {
    const { sequences, prefix, own } = shape;
    this.#programs = programs;
    this.#shape = shape;
    this.#kvHeads = kvHeads;
    const shareable = prefix / pageTokens;
    const private_ = Math.ceil((own + 1) / pageTokens);
    const pages = kvHeads * ((shared ? 1 : sequences) * shareable + sequences * private_);
    this.#memory = device.pageMemory({ pages, pageTokens, headDim, dtype });
    let next = 0;
    const take = (count: number) => Array.from({ length: count }, () => next++);
    const heads = Array.from({ length: kvHeads }, (_, head) => head);
    const common = shared ? heads.map(() => take(shareable)) : undefined;
    this.#tables = Array.from({ length: sequences }, () =>
      heads.map((head) => [...(common?.[head] ?? take(shareable)), ...take(private_)]),
    );
  }

  /** Writes the keys and values of all tokens. */
  async fill(): Promise<void> {
    const { sequences, prefix, own } = this.#shape;
    for (let s = 0; s < sequences; s++) {
      for (let from = 0; from < prefix + own; from += chunk) {
        const rows = Math.min(chunk, prefix + own - from);
        const tokens = Int32Array.from({ length: rows }, (_, i) => tokenAt(from + i, prefix, s));
        const step = { tokens, sequences: [this.#part(s, from, rows)], outputs: new Int32Array(0) };
        await this.#programs.filling.run(this.#memory, step);
      }
    }
  }

  /** Milliseconds of one more token for every sequence, always the same one. */
  async time(): Promise<number> {
    const step = this.#step(new Int32Array(0));
    const start = performance.now();
    await this.#programs.attending.run(this.#memory, step);
    return performance.now() - start;
  }

  /** What that token's attention leads to. */
  async logits(): Promise<Float32Array> {
    const step = this.#step(Int32Array.from({ length: this.#shape.sequences }, (_, s) => s));
    const { logits } = await this.#programs.attending.run(this.#memory, { ...step, returnLogits: true });
    return logits!;
  }

  [Symbol.dispose](): void {
    this.#memory.dispose();
  }

  #step(outputs: Int32Array): Step {
    const { sequences, prefix, own } = this.#shape;
    return {
      tokens: Int32Array.from({ length: sequences }, (_, s) => tokenAt(prefix + own, prefix, s)),
      sequences: Array.from({ length: sequences }, (_, s) => this.#part(s, prefix + own, 1)),
      outputs,
    };
  }

  #part(sequence: number, position: number, rows: number): StepSequence {
    const pages = Math.ceil((position + rows) / pageTokens);
    const tables = this.#tables[sequence]!.map((table) => table.slice(0, pages));
    const resident = new Int32Array(this.#kvHeads).fill(position);
    return { rows, position, resident, pages: Int32Array.from(tables.flat()), sinks: 0 };
  }
}

function tokenAt(position: number, prefix: number, sequence: number): number {
  return (position * 7 + (position < prefix ? 0 : sequence * 13)) % vocabSize;
}
