import type { AttentionRead, QueryWindow } from "./attention-read.ts";
import type { DType, QuantDType, WeightDType } from "./dtype.ts";
import type { Program } from "./program.ts";
import type { Step, StepResult } from "./step.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Where programs run. All work of a device runs in the order of the calls, beside the event loop; nobody needs to wait
 * for a step before the work that follows it is handed over.
 * Everything that a device made must be disposed before memory is certain to be back; disposing the
 * device first is allowed (the rest then throws `disposed`). All `dispose()` are idempotent.
 */
export interface Device extends Disposable {
  /** For logs: `cpu avx512, 2 threads` or `interpreter`. */
  readonly description: string;
  /** `native` kernels, or the TypeScript `interpreter`. */
  readonly backend: "native" | "interpreter";
  /** Maps a file for reading; nothing is read yet. Throws `KernelError` (`io`). */
  mapFile(path: string): Promise<MappedFile>;
  /**
   * A tensor of its own memory, copied from `data` (f32: Float32Array; f16 and bf16: their bits; quantised:
   * the bytes of the blocks, row by row). Quantised tensors have two dimensions, the second a multiple of
   * the block's values.
   */
  tensor(dtype: WeightDType, shape: readonly number[], data: Float32Array | Uint16Array | Uint8Array): Tensor;
  /**
   * Lays a weight `[outputs, inputs]` out for `linear` and `gated` on this device, on the device's threads:
   * a quantised one as it is (`dtype`, if given, is its own), a float one after it was quantised to `dtype`,
   * which must be q8_0, q4_0 or q4_k then (how: `quantizeRows`). Work of the device waits meanwhile.
   *
   * `weight` may be disposed as soon as the promise has settled, and before: the work under way keeps it.
   * Pages of a mapped file that were read are handed back to the system. Throws `KernelError`
   * (`invalid-argument`; `io` where the file cannot be read; `out-of-memory`).
   */
  pack(weight: Tensor, dtype?: QuantDType): Promise<Tensor>;
  /**
   * Memory for pages of keys and values. On a CPU, bytes are only taken from the system when first written; a device
   * with memory of its own takes all of them here. Throws `KernelError` (`out-of-memory`).
   */
  pageMemory(spec: PageMemorySpec): PageMemory;
  /** Checks every index and shape of the program. Throws `KernelError` (`invalid-argument`) naming the instruction. */
  compile(program: Program): Executable;
  dispose(): void;
}

export interface MappedFile extends Disposable {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /**
   * A view of the file from byte `offset` on, which stays mapped while the tensor lives. Bounds are checked
   * against `size`; shapes are those of `Device.tensor`.
   */
  tensor(dtype: WeightDType, shape: readonly number[], offset: number): Tensor;
  dispose(): void;
}

export type PageMemorySpec = {
  readonly pages: number;
  /** Slots of a page: 16 or 32. */
  readonly pageTokens: number;
  readonly headDim: number;
  readonly dtype: DType;
};

/**
 * What can be read per slot: `keys` and `values` headDim numbers each (dequantised, keys as they are stored), the
 * others one. `keyNorm` and `valueNorm` are L2 norms of the vectors as they are stored. `attentionSum` is what
 * steps that collect added up since the slot was written ({@link AttentionCollection}); 0 where none did.
 */
export type SlotData = "position" | "keyNorm" | "valueNorm" | "attentionSum" | "keys" | "values";

/** Compaction of one head: slot `keep[i]` of the source pages becomes slot i of the destination pages. */
export type Compaction = {
  readonly source: Int32Array;
  /** Ascending slot indices. */
  readonly keep: Int32Array;
  /**
   * ceil(keep.length / pageTokens) pages, none twice. One may be a source page, i itself or another, as long as
   * slots that move in ascending order are all read before anything is written over them.
   */
  readonly destination: Int32Array;
  /**
   * Folds the value of each slot below `slots` that is not kept into that of the kept slot whose key is most
   * similar (cosine u; the later slot among equals), where u is at least `threshold`, in [-1, 1]: a kept value
   * v becomes (e v + sum of exp(u_i) v_i) / (e + sum of exp(u_i)) over the values folded into it (D2O, Wan et al.
   * 2024, arXiv 2406.13035, for values only). Similarities and values are those from before the compaction. A key of
   * zero norm is similar to nothing. Keys, positions, sums and values that nothing is folded into stay.
   */
  readonly merge?: { readonly slots: number; readonly threshold: number };
};

/** The bytes behind page ids. Who owns which page is not its business. Operations run in order with steps. */
export interface PageMemory extends Disposable {
  readonly spec: PageMemorySpec;
  /** Bytes of one page: keys, values, and per slot its position and the attention that it received. */
  readonly pageBytes: number;
  copyPages(from: Int32Array, to: Int32Array): Promise<void>;
  /**
   * The bytes of whole pages, page after page, into `out` [pages * pageBytes], which must be left alone, and not
   * transferred, until the promise has settled. The format is the device's own: `writePages` of a memory with the same
   * `pageTokens`, `headDim` and `dtype`, of the same backend on the same kind of machine, takes it.
   */
  readPages(pages: Int32Array, out: Uint8Array): Promise<void>;
  /**
   * Gives each of some pages, none of them twice, the bytes that were read from one: all of it, keys, values, positions
   * and sums, bit by bit. `bytes` [pages * pageBytes] must be left alone until the promise has settled. Other bytes do
   * no harm but to what attends to the pages.
   */
  writePages(pages: Int32Array, bytes: Uint8Array): Promise<void>;
  compact(heads: readonly Compaction[]): Promise<void>;
  /** For each table (page ids and slots in use): [slots] or [slots, headDim] numbers. */
  readSlots(
    data: SlotData,
    tables: readonly { readonly pages: Int32Array; readonly slots: number }[],
  ): Promise<Float32Array[]>;
  dispose(): void;
}

/** A program on a device, with its work buffers. */
export interface Executable extends Disposable {
  readonly program: Program;
  /**
   * Runs one step. Checks everything it is given first (ids, pages, lengths; `invalid-argument`), so a bad
   * step changes nothing. What a row gets does not depend on the other rows, the chunks or the threads.
   */
  run(memory: PageMemory, step: Step): Promise<StepResult>;
  /**
   * Memory for the newest queries of a sequence. On a CPU, only what steps fill is taken from the system. Throws
   * `KernelError` (`out-of-memory`).
   */
  queryWindow(window: number): QueryWindow;
  /**
   * [slots] numbers for each read, in order with steps and page operations. All zero (`expected`: equal shares)
   * where the window is still empty or no layer attends to the KV layer. Throws `KernelError` (`invalid-argument`).
   */
  readAttention(memory: PageMemory, reads: readonly AttentionRead[]): Promise<Float32Array[]>;
  dispose(): void;
}
