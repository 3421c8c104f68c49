import type { AttentionRead, QueryWindow } from "../src/attention-read.ts";
import type { Device, Executable, PageMemory } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { AttentionCollection } from "../src/step.ts";
import { collected, type NaiveLayer, type NaiveSlot, readNaively, rotated } from "./naive-attention.ts";
import { PagedSequence, PageIds } from "./paged-sequence.ts";
import type { Random } from "./random.ts";
import type { SignalModel } from "./signal-model.ts";

/** Of one sequence: on the device, and in plain arrays. */
export type SignalSequence = {
  readonly paged: PagedSequence;
  readonly sinks: number;
  readonly collect: AttentionCollection;
  readonly queries: QueryWindow;
  /** [kvLayers * kvHeads] */
  readonly heads: NaiveSlot[][];
  /** Ascending positions. */
  held: { readonly position: number; readonly token: number }[];
};

/** Tokens of a sequence in a step, and which signals it asks for. */
export type SignalPart = {
  readonly sequence: SignalSequence;
  readonly rows: number;
  readonly collects?: boolean;
  readonly holds?: boolean;
};

type Read = Omit<AttentionRead, "queries" | "pages" | "slots" | "position" | "sinks">;

/** Sequences of a model on a device, and the same in plain arrays. */
export class SignalWorld implements Disposable {
  readonly model: SignalModel;
  readonly sequences: SignalSequence[] = [];
  readonly #random: Random;
  readonly #memory: PageMemory;
  readonly #executable: Executable;
  readonly #ids: PageIds;

  constructor(
    model: SignalModel,
    device: Device,
    random: Random,
    spec: { readonly dtype: DType; readonly pageTokens: number },
  ) {
    const { headDim, sketch } = model;
    this.model = model;
    this.#random = random;
    this.#memory = device.pageMemory({ pages: 400, headDim, ...spec });
    this.#executable = sketch.compileOn(device);
    this.#ids = PageIds.scattered(400, random.integer(0, 1000));
  }

  sequence(window: number, collect: AttentionCollection, sinks = 0): SignalSequence {
    const { kvHeads, keys } = this.model;
    const heads = keys.length * kvHeads;
    const sequence: SignalSequence = {
      paged: new PagedSequence(this.#ids, this.#memory.spec.pageTokens, heads),
      sinks,
      collect,
      queries: this.#executable.queryWindow(window),
      heads: Array.from({ length: heads }, () => []),
      held: [],
    };
    this.sequences.push(sequence);
    return sequence;
  }

  async step(parts: readonly SignalPart[]): Promise<void> {
    const all = parts.map((part) => ({ part, tokens: this.#random.integers(part.rows, 0, 95) }));
    const sequences = all.map(({ part: { sequence, rows, collects = true, holds = true }, tokens }) => {
      const { paged, sinks, collect, queries } = sequence;
      this.#runNaively(sequence, tokens, collects, holds);
      return {
        ...paged.next(rows, sinks),
        ...(collects ? { collect } : {}),
        ...(holds ? { queries } : {}),
      };
    });
    const tokens = Int32Array.from(all.flatMap((one) => Array.from(one.tokens)));
    await this.#executable.run(this.#memory, { tokens, sequences, outputs: new Int32Array(0) });
  }

  /** Every head loses slots of its own. */
  async evict(sequence: SignalSequence): Promise<void> {
    const { paged, heads } = sequence;
    await this.#memory.compact(
      heads.map((slots, h) => {
        const keep = this.#random.subset(slots.length, this.#random.pick([0, 0.3, 0.6, 0.9, 1]));
        const source = Int32Array.from(paged.tables[h]!);
        const destination = source.slice(0, Math.ceil(keep.length / this.#memory.spec.pageTokens));
        heads[h] = Array.from(keep, (slot) => slots[slot]!);
        paged.resident[h] = keep.length;
        paged.tables[h]!.length = destination.length;
        return { source, keep, destination };
      }),
    );
  }

  /** Takes the last rows back, of which nothing was evicted. */
  rewind({ paged, heads }: SignalSequence, rows: number): void {
    paged.position -= rows;
    heads.forEach((slots, h) => {
      slots.length -= rows;
      paged.resident[h]! -= rows;
      paged.tables[h]!.length = Math.ceil(slots.length / this.#memory.spec.pageTokens);
    });
  }

  /** Sums of all heads: what the device has, and what it should. */
  async sums({ paged, heads }: SignalSequence): Promise<[number[], number[]]> {
    const actual = await this.#memory.readSlots("attentionSum", paged.slotTables());
    return [actual.flatMap((sums) => Array.from(sums)), heads.flat().map(({ sum }) => sum)];
  }

  async read(sequence: SignalSequence, reads: readonly Read[]): Promise<Float32Array[]> {
    const { queries, sinks, paged } = sequence;
    const tables = paged.slotTables();
    return await this.#executable.readAttention(
      this.#memory,
      reads.map((read) => {
        const table = tables[read.kvLayer * this.model.kvHeads + read.kvHead]!;
        return { ...read, ...table, queries, sinks, position: paged.position };
      }),
    );
  }

  /** What a read should give. */
  readNaively(sequence: SignalSequence, read: Read): number[] {
    const { position } = sequence.paged;
    const slots = sequence.heads[read.kvLayer * this.model.kvHeads + read.kvHead]!;
    const held = this.heldBefore(sequence).slice(-read.window);
    const layers = this.model.layersOf(read.kvLayer).map((layer) => ({
      layer,
      queries: held.map(({ position, token }) => ({
        position,
        heads: this.model.queries(layer, read.kvHead, token),
      })),
    }));
    const forward = position - slots.length;
    const keys = (layer: NaiveLayer) => seenKeys(layer, slots, sequence.sinks, forward);
    return readNaively(layers, slots, keys, { ...read, position });
  }

  /** A sequence that took rows back may hold queries of positions that it has not run again. */
  heldBefore({ held, paged }: SignalSequence): SignalSequence["held"] {
    return held.filter(({ position }) => position < paged.position);
  }

  [Symbol.dispose](): void {
    for (const { queries } of this.sequences) queries.dispose();
    this.#executable.dispose();
    this.#memory.dispose();
  }

  #runNaively(sequence: SignalSequence, tokens: Int32Array, collects: boolean, holds: boolean): void {
    const { model } = this;
    const { position } = sequence.paged;
    sequence.heads.forEach((slots, h) => {
      const [kvLayer, kvHead] = [Math.floor(h / model.kvHeads), h % model.kvHeads];
      const resident = slots.length;
      for (const [i, token] of tokens.entries())
        slots.push({ key: model.key(kvLayer, kvHead, token), position: position + i, sum: 0 });
      const layers = collects ? model.layersOf(kvLayer) : [];
      for (const layer of layers) {
        const keys = seenKeys(layer, slots, sequence.sinks, position - resident);
        for (const [i, token] of tokens.entries()) {
          const query = { position: position + i, heads: model.queries(layer, kvHead, token) };
          const shares = collected(layer, query, resident + i, slots, keys, sequence.collect, kvHead);
          slots.forEach((slot, s) => {
            slot.sum = Math.fround(slot.sum + Math.fround(shares[s]! / layers.length));
          });
        }
      }
    });
    if (!holds) return;
    const rows = Array.from(tokens, (token, i) => ({ position: position + i, token }));
    const before = sequence.held.filter((held) => held.position < position);
    sequence.held = [...before, ...rows].slice(-sequence.queries.window);
  }
}

/** Keys as a layer sees them: sinks turned forward. */
function seenKeys(
  { rope }: NaiveLayer,
  slots: readonly NaiveSlot[],
  sinks: number,
  forward: number,
): (readonly number[])[] {
  return slots.map(({ key }, s) => (s < sinks && forward > 0 ? rotated(key, rope, forward, 1) : key));
}
