import { type DeviceOptions, openDevice, type PageMemorySpec } from "@kvasir/kernels";
import type { CommandProgress } from "../command-progress.ts";
import { type Conditions, conditionsNow } from "../conditions.ts";
import { type Spread, spreadOf } from "../spread.ts";
import { type BatchShape, PrefixBatch } from "./prefix-batch.ts";
import { type AttentionShape, PrefixPrograms } from "./prefix-programs.ts";

export type SharedPrefixOptions = AttentionShape & {
  readonly device: DeviceOptions;
  readonly dtype: PageMemorySpec["dtype"];
  /** Sequences that decode together. */
  readonly sequences: readonly number[];
  /** Tokens that they share, multiples of 16. */
  readonly prefixes: readonly number[];
  /** Tokens of each sequence after those. */
  readonly own: number;
  /** Steps of either side, in turns. */
  readonly repetitions: number;
  readonly onProgress?: (progress: CommandProgress) => void;
  readonly signal?: AbortSignal;
};

export type SharedPrefixRow = BatchShape & {
  /** Milliseconds of a step with the prefix in pages of its own for every sequence, and in the same pages for all. */
  readonly unshared: Spread;
  readonly shared: Spread;
  /** Unshared over shared, of one repetition each. */
  readonly ratio: Spread;
};

export type SharedPrefixReport = {
  readonly conditions: Conditions;
  readonly device: string;
  readonly rows: readonly SharedPrefixRow[];
};

/**
 * Times one layer of decoding attention over a prefix that all sequences have in common, in the same pages and in pages
 * of each sequence's own. Both sides take one step in turns, so that neither finds its pages in a cache that the other
 * has swept. Throws `Error` where the two do not compute the same bits.
 */
export async function sharedPrefix(options: SharedPrefixOptions): Promise<SharedPrefixReport> {
  const conditions = conditionsNow();
  using device = openDevice(options.device);
  using programs = new PrefixPrograms(device, options);
  const { own } = options;
  const shapes = options.sequences.flatMap((sequences) =>
    options.prefixes.map((prefix) => ({ sequences, prefix, own })),
  );
  const rows: SharedPrefixRow[] = [];
  for (const shape of shapes) {
    const now = `${shape.sequences} sequences, ${shape.prefix} shared`;
    options.onProgress?.({ done: rows.length, total: shapes.length, now });
    using unshared = new PrefixBatch(device, programs, options, shape, { ...options, shared: false });
    using shared = new PrefixBatch(device, programs, options, shape, { ...options, shared: true });
    for (const side of [unshared, shared]) await side.fill();
    if (!sameBits(await unshared.logits(), await shared.logits()))
      throw new Error(`attention over shared pages differs: ${JSON.stringify(shape)}`);
    const times = [];
    for (let i = 0; i < options.repetitions; i++) {
      options.signal?.throwIfAborted();
      if (i % 2 === 0) times.push({ unshared: await unshared.time(), shared: await shared.time() });
      else times.push({ shared: await shared.time(), unshared: await unshared.time() });
    }
    rows.push({
      ...shape,
      unshared: spreadOf(times.map((time) => time.unshared)),
      shared: spreadOf(times.map((time) => time.shared)),
      ratio: spreadOf(times.map((time) => time.unshared / time.shared)),
    });
  }
  return { conditions, device: device.description, rows };
}

function sameBits(a: Float32Array, b: Float32Array): boolean {
  return Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  );
}
