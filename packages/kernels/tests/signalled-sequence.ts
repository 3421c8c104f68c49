import type { AttentionRead, QueryWindow } from "../src/attention-read.ts";
import type { Device, PageMemory } from "../src/device.ts";
import type { Step, StepSequence } from "../src/step.ts";
import { Decoding } from "./decoding.ts";
import { Random } from "./random.ts";
import { tinyDecoder } from "./tiny-model.ts";

type Fields = Record<string, unknown>;

/** Two layers of two KV heads. */
export const signalledSketch = tinyDecoder(61);

/** Slots 0 to 19 of four tables: pages 2 i and 2 i + 1. */
const first: StepSequence = {
  rows: 20,
  position: 0,
  resident: new Int32Array(4),
  pages: Int32Array.from({ length: 8 }, (_, i) => i),
  sinks: 0,
};

export const collect = { reduce: "mean", temperature: 1 } as const;

/** A sequence of 20 rows that collected, and whose newest 8 queries are held. */
export class SignalledSequence implements Disposable {
  readonly decoding: Decoding;
  readonly queries: QueryWindow;

  private constructor(device: Device) {
    this.decoding = new Decoding(device, signalledSketch);
    this.queries = this.decoding.executable.queryWindow(8);
  }

  static async on(device: Device): Promise<SignalledSequence> {
    const sequence = new SignalledSequence(device);
    const { decoding, queries } = sequence;
    await decoding.executable.run(decoding.memory, {
      tokens: new Random(1).integers(20, 0, 49),
      sequences: [{ ...first, queries, collect }],
      outputs: new Int32Array(0),
    });
    return sequence;
  }

  read(fields: Fields = {}): AttentionRead {
    return {
      queries: this.queries,
      kvLayer: 1,
      kvHead: 0,
      pages: Int32Array.of(4, 5),
      slots: 20,
      position: 20,
      sinks: 0,
      measure: "sum",
      window: 8,
      reduce: "mean",
      threshold: 1,
      future: 512,
      ...fields,
    };
  }

  /** One more row of the sequence, and a first one of another. */
  step(one: Fields, other: Fields = {}): Step {
    return {
      tokens: Int32Array.of(1, 2),
      sequences: [
        { ...first, rows: 1, position: 20, resident: new Int32Array(4).fill(20), ...one },
        { ...first, rows: 1, pages: Int32Array.of(8, 9, 10, 11), ...other },
      ],
      outputs: new Int32Array(0),
    };
  }

  /** All that is known about its slots. */
  async state() {
    const tables = [0, 2, 4, 6].map((page) => ({ pages: Int32Array.of(page, page + 1), slots: 32 }));
    const reads = [this.read(), this.read({ kvLayer: 0, pages: Int32Array.of(0, 1) })];
    return [
      await this.decoding.executable.readAttention(this.decoding.memory, reads),
      await this.decoding.memory.readSlots("attentionSum", tables),
    ];
  }

  run(step: Step, memory: PageMemory = this.decoding.memory) {
    return this.decoding.executable.run(memory, step);
  }

  readAttention(reads: readonly unknown[], memory: PageMemory = this.decoding.memory) {
    return this.decoding.executable.readAttention(memory, reads as readonly AttentionRead[]);
  }

  [Symbol.dispose](): void {
    this.queries.dispose();
    this.decoding[Symbol.dispose]();
  }
}
