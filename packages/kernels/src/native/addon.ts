/**
 * The whole native interface as types: what `native/addon.cpp` exports. Arguments have been checked
 * before they come here; errors are `Error`s whose `code` is a `KernelErrorCode`.
 */
export type NativeAddon = {
  /** Version of the package that the binary was built from. */
  readonly version: string;
  readonly abiVersion: number;
  /** Comma-separated, slowest first. */
  readonly levels: string;
  /** `undefined`: the best level. */
  openDevice(level: string | undefined, threads: number): DeviceHandle;
  deviceLevel(device: DeviceHandle): string;
  /** `kind`: a `kvs_probe_kind`; promises a rate. */
  probe(device: DeviceHandle, kind: number, bytes: number, seconds: number): Promise<number>;
  mapFile(path: string): { readonly file: FileHandle; readonly size: number };
  viewTensor(file: FileHandle, dtype: number, shape: BigInt64Array, offset: number): TensorHandle;
  copyTensor(
    dtype: number,
    shape: BigInt64Array,
    data: Float32Array | Uint16Array | Uint8Array,
  ): TensorHandle;
  packTensor(
    device: DeviceHandle,
    weight: TensorHandle,
    dtype: number,
  ): Promise<{ readonly tensor: TensorHandle; readonly bytes: number }>;
  createPages(
    device: DeviceHandle,
    pages: number,
    pageTokens: number,
    headDim: number,
    dtype: number,
  ): { readonly handle: PagesHandle; readonly pageBytes: number };
  copyPages(pages: PagesHandle, from: Int32Array, to: Int32Array): Promise<void>;
  /** Fills `out`, which must be left alone meanwhile. */
  readPages(pages: PagesHandle, ids: Int32Array, out: Uint8Array): Promise<void>;
  /** `bytes` must be left alone meanwhile. */
  writePages(pages: PagesHandle, ids: Int32Array, bytes: Uint8Array): Promise<void>;
  /** Arrays of one entry for each head; `mergeSlots` is -1 where nothing is merged. */
  compactPages(
    pages: PagesHandle,
    sources: readonly Int32Array[],
    keeps: readonly Int32Array[],
    destinations: readonly Int32Array[],
    mergeSlots: Int32Array,
    mergeThresholds: Float32Array,
  ): Promise<void>;
  /** Fills `out`, one array for each table. */
  readSlots(
    pages: PagesHandle,
    data: number,
    tables: readonly Int32Array[],
    slots: Int32Array,
    out: readonly Float32Array[],
  ): Promise<void>;
  compile(
    device: DeviceHandle,
    shape: Int32Array,
    buffers: Int32Array,
    tensors: readonly TensorHandle[],
    frequencies: readonly Float64Array[],
    ropeIntegers: Int32Array,
    ropeNumbers: Float64Array,
    instructions: Int32Array,
    numbers: Float32Array,
    kvLayerLists: Int32Array,
  ): ProgramHandle;
  createQueries(
    program: ProgramHandle,
    window: number,
  ): { readonly handle: QueriesHandle; readonly bytes: number };
  /** Fills `out`, one array for each read. */
  readAttention(
    program: ProgramHandle,
    pages: PagesHandle,
    reads: FlatReads,
    out: readonly Float32Array[],
  ): Promise<void>;
  /** Fills the arrays of `result`; inputs are copied before it returns. */
  run(program: ProgramHandle, pages: PagesHandle, step: FlatStep, result: FlatResult): Promise<void>;
  /** Bytes that V8 has been told of, which `process.memoryUsage()` does not show. */
  externalMemory(): number;
  /** Idempotent. Work under way that uses the handle still ends well. */
  close(handle: DeviceHandle | FileHandle | TensorHandle | PagesHandle | ProgramHandle | QueriesHandle): void;
};

/** What `kvs_abi_version` must say. */
export const abiVersion = 4;

declare const kind: unique symbol;
type Handle<Kind extends string> = { readonly [kind]: Kind };
export type DeviceHandle = Handle<"device">;
export type FileHandle = Handle<"file">;
export type TensorHandle = Handle<"tensor">;
export type PagesHandle = Handle<"pages">;
export type ProgramHandle = Handle<"program">;
export type QueriesHandle = Handle<"queries">;

/** One entry for each read. */
export type FlatReads = {
  readonly queries: readonly QueriesHandle[];
  /** [reads, 9]: KV layer, KV head, slots, position, sinks, measure, window, reduction, future. */
  readonly integers: Int32Array;
  readonly thresholds: Float32Array;
  readonly pages: readonly Int32Array[];
};

export type FlatStep = {
  readonly tokens: Int32Array;
  readonly outputs: Int32Array;
  /** [sequences, 3]: rows, position, sinks. */
  readonly sequences: Int32Array;
  readonly resident: readonly Int32Array[];
  readonly pages: readonly Int32Array[];
  readonly queries: readonly (QueriesHandle | undefined)[];
  /** [sequences, 4]: whether it collects, reduction, whether with noise, bits of the seed. */
  readonly collections: Int32Array;
  /** [sequences], of those that collect. */
  readonly temperatures: Float32Array;
  /** Whether the fields below, one entry for each output, say anything. */
  readonly sampled: boolean;
  /** [outputs, 4]: topK, promptLength, topLogprobs, whether it has a mask. */
  readonly samplingIntegers: Int32Array;
  /** [outputs, 6]: temperature, topP, minP, repetition, presence and frequency penalty. */
  readonly samplingNumbers: Float32Array;
  /** [outputs, 2]: seed, draw. */
  readonly samplingWords: BigUint64Array;
  readonly histories: readonly Int32Array[];
  readonly biasIds: readonly Int32Array[];
  readonly biasValues: readonly Float32Array[];
  /** The masks of allowed tokens, one after another; nobody may write to it before the step has ended. */
  readonly allowed: Uint32Array;
};

/** Arrays that nobody else sees until the step has ended; `undefined` where that part is not wanted. */
export type FlatResult = {
  /** [outputs] */
  readonly tokens: Int32Array | undefined;
  /** [outputs] */
  readonly logprobs: Float32Array | undefined;
  /** [outputs, topStride] */
  readonly topIds: Int32Array | undefined;
  /** [outputs, topStride] */
  readonly topLogprobs: Float32Array | undefined;
  readonly topStride: number;
  /** [outputs, width of the logits] */
  readonly logits: Float32Array | undefined;
};
