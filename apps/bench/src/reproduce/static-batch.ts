import { setImmediate } from "node:timers/promises";
import { greedySampling, type Sampling, type Step, type StepSequence } from "@kvasir/kernels";
import { SequencePages } from "@kvasir/paged-memory";
import type { Model } from "@kvasir/runtime";
import { randomIds } from "../random-ids.ts";
import { type KvMemory, pageTokens } from "./kv-memory.ts";

export type StaticBatchOptions = {
  readonly model: Model;
  readonly kv: KvMemory;
  /** That run together, at least 1. */
  readonly sequences: number;
  /** Slots of each sequence: its prompt and all that is generated after it. */
  readonly tokens: number;
  /** Of prompts. */
  readonly seed: number;
  readonly signal?: AbortSignal;
};

/** Tokens of a prompt that one step encodes: what the engine takes unless told. */
export const promptChunk = 512;

/**
 * Sequences of equal length that begin and end together, in pages for their whole length from the start: what the papers
 * on caches measure, without a scheduler. Any step of a generation can be timed without those before it: pages keep what
 * {@link KvMemory.fill} or earlier steps wrote.
 */
export class StaticBatch implements Disposable {
  readonly #model: Model;
  readonly #kv: KvMemory;
  readonly #seed: number;
  /** Of each sequence. */
  readonly #slots: number;
  readonly #owned: readonly SequencePages[];
  /** [tables * pages of a table] of each sequence. */
  readonly #pages: readonly Int32Array[];
  readonly #pagesOfTable: number;
  /** Newest token of each sequence. */
  #newest: Int32Array;

  private constructor({ model, kv, seed, tokens }: StaticBatchOptions, owned: readonly SequencePages[]) {
    this.#model = model;
    this.#kv = kv;
    this.#seed = seed;
    this.#slots = tokens;
    this.#owned = owned;
    this.#pagesOfTable = Math.ceil(tokens / pageTokens);
    this.#pages = owned.map((sequence) => {
      const pages = new Int32Array(sequence.pageCount);
      sequence.tablesInto(pages, 0, new Int32Array(sequence.heads), 0);
      return pages;
    });
    this.#newest = randomIds(owned.length, model.vocabSize, seed);
  }

  /** Takes all pages of all sequences. Throws `OutOfPagesError` where they do not fit, and then holds none. */
  static async open(options: StaticBatchOptions): Promise<StaticBatch> {
    const { model, kv, sequences, tokens, signal } = options;
    const { kvLayers, kvHeads } = model;
    const owned: SequencePages[] = [];
    try {
      for (let i = 0; i < sequences; i++) {
        signal?.throwIfAborted();
        const sequence = new SequencePages({ pool: kv.pool, kvLayers, kvHeads, pageTokens });
        owned.push(sequence);
        sequence.append(tokens);
        await setImmediate();
      }
      return new StaticBatch(options, owned);
    } catch (error) {
      for (const sequence of owned) sequence.dispose();
      throw error;
    }
  }

  get sequences(): number {
    return this.#owned.length;
  }

  /**
   * Encodes random prompts of `tokens` tokens, one sequence after the other in chunks of 512, each up to its first new
   * token. Gives the milliseconds of each sequence.
   *
   * @param sequences how many of the batch, the first ones; default: all
   */
  async encode(tokens: number, sequences: number = this.sequences, signal?: AbortSignal): Promise<number[]> {
    this.#requireSlots("tokens", tokens, 1);
    const times: number[] = [];
    for (let i = 0; i < sequences; i++) {
      const prompt = randomIds(tokens, this.#model.vocabSize, this.#seed + 1 + i);
      let milliseconds = 0;
      for (let from = 0; from < tokens; from += promptChunk) {
        signal?.throwIfAborted();
        const rows = Math.min(promptChunk, tokens - from);
        const last = from + rows === tokens;
        const { ms, drawn } = await this.#run({
          tokens: prompt.subarray(from, from + rows),
          sequences: [this.#sequence(i, rows, from)],
          outputs: last ? Int32Array.of(rows - 1) : new Int32Array(0),
        });
        if (last) this.#newest[i] = drawn[0]!;
        milliseconds += ms;
      }
      times.push(milliseconds);
    }
    return times;
  }

  /**
   * One decoding step of all sequences, each of which has `context` tokens so far. Gives its milliseconds.
   *
   * @param context 0 to one less than the slots of a sequence
   */
  async decode(context: number): Promise<number> {
    this.#requireSlots("context", context, 0, 1);
    const { ms, drawn } = await this.#run({
      tokens: this.#newest,
      sequences: this.#owned.map((_, i) => this.#sequence(i, 1, context)),
      outputs: Int32Array.from(this.#owned.keys()),
    });
    this.#newest = drawn;
    return ms;
  }

  /** `next`: tokens that come after those. */
  #requireSlots(name: string, tokens: number, low: number, next = 0): void {
    const most = this.#slots - next;
    if (Number.isInteger(tokens) && tokens >= low && tokens <= most) return;
    throw new RangeError(`${name}: expected a whole number from ${low} to ${most}, received ${tokens}`);
  }

  async #run(step: Step): Promise<{ readonly ms: number; readonly drawn: Int32Array }> {
    const sampling = new Array<Sampling>(step.outputs.length).fill(greedySampling);
    const start = performance.now();
    const { tokens } = await this.#model.run(this.#kv.pages, { ...step, sampling });
    return { ms: performance.now() - start, drawn: tokens };
  }

  #sequence(index: number, rows: number, position: number): StepSequence {
    const { heads } = this.#owned[index]!;
    const inUse = Math.ceil((position + rows) / pageTokens);
    const pages = new Int32Array(heads * inUse);
    for (let table = 0; table < heads; table++) {
      const first = table * this.#pagesOfTable;
      pages.set(this.#pages[index]!.subarray(first, first + inUse), table * inUse);
    }
    return { rows, position, resident: new Int32Array(heads).fill(position), pages, sinks: 0 };
  }

  dispose(): void {
    for (const sequence of this.#owned) sequence.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
