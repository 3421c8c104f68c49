import type { Device, DType, PageMemory } from "@kvasir/kernels";
import { PagePool, SequencePages } from "@kvasir/paged-memory";
import type { Model } from "@kvasir/runtime";
import { randomIds } from "../random-ids.ts";

export type KvMemoryOptions = {
  readonly device: Device;
  /** What the pages may take; whole pages of it are used. */
  readonly bytes: number;
  /** Of the models that will use it. */
  readonly headDim: number;
  readonly dtype: DType;
};

/** Slots of a page: what the engine has unless told. */
export const pageTokens = 16;
/** Pages copied by one call, so that a signal is looked at now and then. */
const copied = 4096;

/** A given memory for keys and values: the bytes of pages, and who has which. Models of one head size share it. */
export class KvMemory implements Disposable {
  readonly pages: PageMemory;
  readonly pool: PagePool;

  /** Throws `RangeError` where not one page fits, and `KernelError`. */
  constructor({ device, bytes, headDim, dtype }: KvMemoryOptions) {
    const spec = { pageTokens, headDim, dtype };
    const pageBytes = pageBytesOf(device, spec);
    const pages = Math.floor(bytes / pageBytes);
    if (pages < 1) throw new RangeError(`bytes: expected at least ${pageBytes}, one page, received ${bytes}`);
    this.pages = device.pageMemory({ pages, ...spec });
    this.pool = new PagePool({ pages });
  }

  /**
   * Gives every page real keys and values, those of a short random prompt over and over, so that attention reads
   * memory that is there and numbers as they come: how long a step takes does not depend on what they say. Takes
   * the pages from the system. No page may be in use, or a sequence's would be overwritten.
   */
  async fill(model: Model, seed: number, signal?: AbortSignal): Promise<void> {
    const { pool, pages } = this;
    if (pool.usedPages > 0) throw new RangeError(`${pool.usedPages} pages are in use, expected none`);
    const { kvLayers, kvHeads, vocabSize } = model;
    using prompt = new SequencePages({ pool, kvLayers, kvHeads, pageTokens });
    prompt.append(pageTokens);
    const sources = new Int32Array(prompt.pageCount);
    prompt.tablesInto(sources, 0, new Int32Array(prompt.heads), 0);
    await model.run(pages, {
      tokens: randomIds(pageTokens, vocabSize, seed),
      sequences: [
        {
          rows: pageTokens,
          position: 0,
          resident: new Int32Array(prompt.heads),
          pages: sources,
          sinks: 0,
        },
      ],
      outputs: new Int32Array(0),
    });
    const taken = new Set(sources);
    for (let first = 0; first < pool.capacity; first += copied) {
      signal?.throwIfAborted();
      const count = Math.min(copied, pool.capacity - first);
      const to = Int32Array.from({ length: count }, (_, i) => first + i).filter((page) => !taken.has(page));
      const from = to.map((page) => sources[page % sources.length]!);
      if (to.length > 0) await pages.copyPages(from, to);
    }
  }

  dispose(): void {
    this.pages.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

type PageSpec = { readonly pageTokens: number; readonly headDim: number; readonly dtype: DType };

/** Bytes of a page, as the device lays it out; nothing is taken from the system for a page that is not written. */
export function pageBytesOf(device: Device, spec: PageSpec): number {
  using one = device.pageMemory({ pages: 1, ...spec });
  return one.pageBytes;
}
