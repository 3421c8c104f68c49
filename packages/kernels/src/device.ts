import type { DType, QuantDType, WeightDType } from "./dtype.ts";
import type { Program } from "./program.ts";
import type { Step, StepResult } from "./step.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Where programs run. All work of a device runs in order on its own thread; the event loop stays free.
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
  /** Memory for pages of keys and values; bytes are only taken from the system when first written. */
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

/** What can be read per slot: `position` and `keyNorm` one number each, `keys` and `values` headDim numbers each. */
export type SlotData = "position" | "keyNorm" | "keys" | "values";

/** Compaction of one head: slot `keep[i]` of the source pages becomes slot i of the destination pages. */
export type Compaction = {
  readonly source: Int32Array;
  /** Ascending slot indices. */
  readonly keep: Int32Array;
  /** ceil(keep.length / pageTokens) pages; page i may be source page i itself. */
  readonly destination: Int32Array;
};

/** The bytes behind page ids. Who owns which page is not its business. Operations run in order with steps. */
export interface PageMemory extends Disposable {
  readonly spec: PageMemorySpec;
  /** Bytes of one page: keys, values, and per slot its position and key norm. */
  readonly pageBytes: number;
  copyPages(from: Int32Array, to: Int32Array): Promise<void>;
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
  dispose(): void;
}
