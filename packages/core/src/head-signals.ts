import type { Needs, Phase, Policy, Signal, SignalSet } from "@kvasir/kv-policies";
import type { AttentionRead, Model, PageMemory, SlotData } from "@kvasir/runtime";
import type { Sequence } from "./sequence.ts";

/** One head of a sequence, and why its signals are read. */
export type HeadPlace = {
  readonly sequence: Sequence;
  readonly layer: number;
  readonly head: number;
  readonly phase: Phase;
};

export type SignalSource = {
  readonly model: Pick<Model, "readAttention" | "headDim" | "kvHeads" | "config" | "layerMap">;
  readonly memory: PageMemory;
};

/** The signals that page memory has of each slot. */
const stored = ["position", "keyNorm", "valueNorm", "attentionSum", "keys", "values"] as const;
const isStored = (signal: Signal): signal is SlotData => stored.includes(signal as SlotData);
/** What is averaged over the heads of a layer where the policy says so. */
export const isAttention = (signal: Signal): boolean => signal.startsWith("attention");

/** Whether the newest queries say it. */
const isOfQueries = (signal: Signal): boolean => isAttention(signal) && !isStored(signal);

/** Whether a policy reads what the newest queries say in a phase. */
export const goesByQueries = (policy: Policy, phase: Phase): boolean =>
  policy.signalsIn(phase).some(isOfQueries);

type Table = { readonly pages: Int32Array; readonly slots: number };
type Numbers = () => Float32Array;

/** What reading is to take at once: memory, and the device, for which the steps of others wait. */
const slice = { bytes: 16 * 2 ** 20, products: 2 ** 30 };

/**
 * How much of a slice the signals of one head take. Where heads of a layer share their attention, the first counts for
 * all: in one slice they are read once, in several they would be read for each.
 */
export function signalLoad(
  { sequence, layer, phase, head }: HeadPlace,
  { headDim, kvHeads, config, layerMap }: SignalSource["model"],
): number {
  const { signals, attention } = sequence.policy.needs({ layer, phase });
  const isShared = attention.over === "layer" && signals.some(isAttention);
  if (isShared && head > 0) return 0;
  const readers = layerMap.layers.filter(({ kvLayer }) => kvLayer === layer).length;
  const queryHeads = (readers * config.heads) / kvHeads;
  let numbers = 0;
  let products = 0;
  for (const signal of signals) {
    numbers += signal === "keys" || signal === "values" ? headDim : 1;
    if (isStored(signal)) continue;
    products += queryHeads * headDim * (signal === "attentionLast" ? 1 : attention.window);
  }
  const slots = sequence.pages!.resident(layer, head) * (isShared ? kvHeads : 1);
  return slots * ((4 * numbers) / slice.bytes + products / slice.products);
}

/**
 * Reads what the policies need of each of these heads, in the order of `places`: one call per kind of data, all
 * issued at once.
 */
export async function readSignals(
  places: readonly HeadPlace[],
  { model, memory }: SignalSource,
): Promise<Partial<SignalSet>[]> {
  const batch = new ReadBatch();
  const sets = places.map((place) => {
    const needs = place.sequence.policy.needs(place);
    return needs.signals.map((signal) => [signal, batch.ask(place, signal, needs)] as const);
  });
  await batch.run(model, memory);
  return sets.map((set) => Object.fromEntries(set.map(([signal, numbers]) => [signal, numbers()])));
}

/** Reads that go to the device together. Heads of a layer that share a layer's attention ask for it once. */
class ReadBatch {
  readonly #tables = new Map<SlotData, Table[]>();
  readonly #reads: AttentionRead[] = [];
  readonly #shared = new Map<Sequence, Map<string, Numbers>>();
  #slots = new Map<SlotData, Float32Array[]>();
  #attention: Float32Array[] = [];

  /** Says what to read; the numbers are there after `run`. */
  ask(place: HeadPlace, signal: Signal, needs: Needs): Numbers {
    if (needs.attention.over === "group" || !isAttention(signal)) return this.#ofHead(place, signal, needs);
    const shared = this.#shared.get(place.sequence) ?? new Map<string, Numbers>();
    this.#shared.set(place.sequence, shared);
    const key = `${signal} ${place.layer}`;
    const numbers = shared.get(key) ?? this.#ofLayer(place, signal, needs);
    shared.set(key, numbers);
    return numbers;
  }

  async run(model: SignalSource["model"], memory: PageMemory): Promise<void> {
    const data = [...this.#tables.keys()];
    const [attention, ...slots] = await Promise.all([
      this.#reads.length > 0 ? model.readAttention(memory, this.#reads) : [],
      ...data.map((one) => memory.readSlots(one, this.#tables.get(one)!)),
    ]);
    this.#attention = attention;
    this.#slots = new Map(data.map((one, i) => [one, slots[i]!]));
  }

  #ofHead(place: HeadPlace, signal: Signal, needs: Needs): Numbers {
    const { sequence, layer, head } = place;
    const pages = sequence.pages!;
    const table = { pages: pages.pages(layer, head), slots: pages.resident(layer, head) };
    if (isStored(signal)) {
      const tables = this.#tables.get(signal) ?? [];
      this.#tables.set(signal, tables);
      const index = tables.push(table) - 1;
      return () => this.#slots.get(signal)![index]!;
    }
    const index = this.#reads.push(attentionRead(place, signal, needs, table)) - 1;
    return () => this.#attention[index]!;
  }

  /** The mean over the layer's KV heads, slot by slot. */
  #ofLayer(place: HeadPlace, signal: Signal, needs: Needs): Numbers {
    const heads = Array.from({ length: place.sequence.pages!.kvHeads }, (_, head) =>
      this.#ofHead({ ...place, head }, signal, needs),
    );
    let mean: Float32Array | undefined;
    return () => {
      mean ??= meanOf(heads.map((numbers) => numbers()));
      return mean;
    };
  }
}

function meanOf(rows: readonly Float32Array[]): Float32Array {
  const [first] = rows;
  const sums = new Float64Array(first!.length);
  for (const row of rows) for (let slot = 0; slot < sums.length; slot++) sums[slot]! += row[slot]!;
  return Float32Array.from(sums, (sum) => sum / rows.length);
}

function attentionRead(
  { sequence, layer, head }: HeadPlace,
  signal: Signal,
  { attention: { window, reduce, threshold, future } }: Needs,
  table: Table,
): AttentionRead {
  const measure = signal === "attentionCount" ? "count" : signal === "attentionExpected" ? "expected" : "sum";
  return {
    queries: sequence.queries!,
    kvLayer: layer,
    kvHead: head,
    ...table,
    position: sequence.logical,
    sinks: sequence.sinks,
    measure,
    window: signal === "attentionLast" ? 1 : window,
    reduce,
    threshold,
    future,
  };
}
