import type { Compaction, PageMemory, PageMemorySpec, SlotData } from "../device.ts";
import { Disposal } from "../disposal.ts";
import { dtypeBytes } from "../dtype.ts";
import {
  validateCompactions,
  validateCopy,
  validatePageRead,
  validatePageWrite,
  validateSlotReads,
} from "../validate-memory.ts";
import { roundTo } from "./float-format.ts";
import { emptyPage, type Page } from "./page.ts";
import { packPage, unpackPage } from "./page-bytes.ts";
import { slotArray } from "./slot-array.ts";
import { type HeadVectors, mergedValues } from "./value-merging.ts";
import type { Work, WorkQueue } from "./work-queue.ts";

export class InterpreterPageMemory extends Disposal implements PageMemory {
  readonly spec: PageMemorySpec;
  readonly pageBytes: number;
  /** The device that may use it. */
  readonly device: Disposal;
  readonly #queue: WorkQueue;
  /** Pages exist from their first write on. */
  readonly #pages = new Map<number, Page>();
  readonly #zeros: Page;

  constructor(device: Disposal, queue: WorkQueue, spec: PageMemorySpec) {
    super("page memory", device);
    this.device = device;
    this.#queue = queue;
    this.spec = { ...spec };
    this.pageBytes = spec.pageTokens * (2 * spec.headDim * dtypeBytes[spec.dtype] + 8);
    this.#zeros = emptyPage(this.spec);
  }

  async copyPages(from: Int32Array, to: Int32Array): Promise<void> {
    this.checkAlive();
    validateCopy(this.spec, from, to);
    const [sources, destinations] = [from.slice(), to.slice()];
    return this.#queue.submit(() => this.#copyPages(sources, destinations));
  }

  async readPages(pages: Int32Array, out: Uint8Array): Promise<void> {
    this.checkAlive();
    validatePageRead(this, pages, out);
    const ids = pages.slice();
    return this.#queue.submit(() => this.#readPages(ids, out));
  }

  async writePages(pages: Int32Array, bytes: Uint8Array): Promise<void> {
    this.checkAlive();
    validatePageWrite(this, pages, bytes);
    const ids = pages.slice();
    return this.#queue.submit(() => this.#writePages(ids, bytes));
  }

  async compact(heads: readonly Compaction[]): Promise<void> {
    this.checkAlive();
    validateCompactions(this.spec, heads);
    const copies = heads.map(({ source, keep, destination, merge }) => ({
      source: source.slice(),
      keep: keep.slice(),
      destination: destination.slice(),
      ...(merge === undefined ? {} : { merge: { ...merge } }),
    }));
    return this.#queue.submit(() => this.#compact(copies));
  }

  async readSlots(
    data: SlotData,
    tables: readonly { readonly pages: Int32Array; readonly slots: number }[],
  ): Promise<Float32Array[]> {
    this.checkAlive();
    validateSlotReads(this.spec, data, tables);
    const copies = tables.map(({ pages, slots }) => ({ pages: pages.slice(), slots }));
    return this.#queue.submit(() => this.#readSlots(data, copies));
  }

  /** The page as it is; zeros where nothing was written. Must not be written to. */
  page(id: number): Page {
    return this.#pages.get(id) ?? this.#zeros;
  }

  /** Stores a key and a value at element `at` of `k` and `v`. */
  writeSlot(id: number, slot: number, k: Float64Array, v: Float64Array, at: number, position: number): void {
    const { headDim, dtype } = this.spec;
    const page = this.#pageToWrite(id);
    for (let i = 0; i < headDim; i++) {
      page.keys[slot * headDim + i] = roundTo(dtype, k[at + i]!);
      page.values[slot * headDim + i] = roundTo(dtype, v[at + i]!);
    }
    page.positions[slot] = position;
  }

  /** Adds to what a slot has received, in f32. */
  addAttention(id: number, slot: number, share: number): void {
    this.#pageToWrite(id).attentionSums[slot]! += Math.fround(share);
  }

  forgetAttention(id: number, slot: number): void {
    this.#pageToWrite(id).attentionSums[slot] = 0;
  }

  protected override release(): void {
    // What has been submitted still runs.
    void this.#queue.submit(() => this.#forget());
  }

  *#forget(): Work {
    this.#pages.clear();
    yield;
  }

  *#copyPages(from: Int32Array, to: Int32Array): Work {
    for (const [i, id] of from.entries()) {
      const [source, destination] = [this.page(id), this.#pageToWrite(to[i]!)];
      destination.keys.set(source.keys);
      destination.values.set(source.values);
      destination.positions.set(source.positions);
      destination.attentionSums.set(source.attentionSums);
      yield;
    }
  }

  *#readPages(ids: Int32Array, out: Uint8Array): Work {
    for (const [i, id] of ids.entries()) {
      yield* packPage(this.page(id), this.spec.dtype, this.#bytesOf(i, out));
    }
  }

  *#writePages(ids: Int32Array, bytes: Uint8Array): Work {
    for (const [i, id] of ids.entries()) {
      yield* unpackPage(this.#pageToWrite(id), this.spec.dtype, this.#bytesOf(i, bytes));
    }
  }

  #bytesOf(page: number, bytes: Uint8Array): Uint8Array {
    return bytes.subarray(page * this.pageBytes, (page + 1) * this.pageBytes);
  }

  *#compact(heads: readonly Compaction[]): Work {
    const { pageTokens, headDim } = this.spec;
    for (const { source, keep, destination, merge } of heads) {
      const merged = merge && (yield* mergedValues(this.#vectorsOf(source), keep, merge, headDim));
      // In order, as a destination may be a source page that has been read already.
      for (const [i, kept] of keep.entries()) {
        const from = this.page(source[Math.floor(kept / pageTokens)]!);
        const to = this.#pageToWrite(destination[Math.floor(i / pageTokens)]!);
        const [read, write] = [kept % pageTokens, i % pageTokens];
        to.keys.set(from.keys.subarray(read * headDim, (read + 1) * headDim), write * headDim);
        const value =
          merged === undefined
            ? from.values.subarray(read * headDim, (read + 1) * headDim)
            : this.#rounded(merged.subarray(i * headDim, (i + 1) * headDim));
        to.values.set(value, write * headDim);
        to.positions[write] = from.positions[read]!;
        to.attentionSums[write] = from.attentionSums[read]!;
        yield;
      }
    }
  }

  /** A copy of all slots of some pages. */
  #vectorsOf(pages: Int32Array): HeadVectors {
    const { pageTokens, headDim } = this.spec;
    const [keys, values] = [0, 1].map(() => new Float64Array(pages.length * pageTokens * headDim));
    pages.forEach((id, i) => {
      keys!.set(this.page(id).keys, i * pageTokens * headDim);
      values!.set(this.page(id).values, i * pageTokens * headDim);
    });
    return { keys: keys!, values: values! };
  }

  #rounded(vector: Float64Array): Float64Array {
    return vector.map((value) => roundTo(this.spec.dtype, value));
  }

  *#readSlots(data: SlotData, tables: readonly { pages: Int32Array; slots: number }[]): Work<Float32Array[]> {
    const { pageTokens, headDim } = this.spec;
    const width = data === "keys" || data === "values" ? headDim : 1;
    const results: Float32Array[] = [];
    for (const { pages, slots } of tables) {
      const result = new Float32Array(slots * width);
      for (let slot = 0; slot < slots; slot += pageTokens) {
        const page = this.page(pages[slot / pageTokens]!);
        const count = Math.min(pageTokens, slots - slot);
        result.set(slotArray(page, data, headDim).subarray(0, count * width), slot * width);
        yield;
      }
      results.push(result);
    }
    return results;
  }

  #pageToWrite(id: number): Page {
    let page = this.#pages.get(id);
    if (page === undefined) {
      page = emptyPage(this.spec);
      this.#pages.set(id, page);
    }
    return page;
  }
}
