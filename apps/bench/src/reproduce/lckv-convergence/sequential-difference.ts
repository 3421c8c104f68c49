import { setImmediate as immediate } from "node:timers/promises";
import type { Model } from "@kvasir/runtime";
import { CheckpointRunner } from "../../checkpoint-runner.ts";
import { compiled } from "./compiled.ts";
import { PassTrace } from "./pass-trace.ts";
import { withPasses } from "./unrolled-passes.ts";

/**
 * How far a prompt that was encoded in parallel is from the same one encoded token by token. Differences are the
 * largest of any element, divided by the root mean square of what sequential encoding gives.
 */
export type SequentialDifference = {
  /** [passes]: of the cyclic group's keys and values, the larger of the two. */
  readonly kv: readonly number[];
  /** After some numbers of passes, of the logits of up to 32 rows spread over the prompt. */
  readonly logits: readonly { readonly passes: number; readonly difference: number }[];
};

export type DifferenceOptions = {
  readonly passes: number;
  /** Numbers of passes after which logits are compared. */
  readonly logitPasses: readonly number[];
  readonly signal: AbortSignal;
  readonly onProgress: (share: number) => void;
};

const comparedRows = 32;

/** Compares both ways to encode a prompt, in f32 pages. `ids`: 2 tokens or more. */
export async function sequentialDifference(
  model: Model,
  ids: Int32Array,
  { passes, logitPasses, signal, onProgress }: DifferenceOptions,
): Promise<SequentialDifference> {
  const count = Math.min(comparedRows, ids.length);
  const rows = Int32Array.from({ length: count }, (_, i) => Math.floor(((i + 1) * ids.length) / count) - 1);
  using sequential = new CheckpointRunner(model, ids.length);
  const expected: Float32Array[] = [];
  for (let row = 0; row < ids.length; row++) {
    signal.throwIfAborted();
    const isCompared = rows.includes(row);
    const logits = await sequential.logits(ids.subarray(row, row + 1), new Int32Array(isCompared ? 1 : 0));
    if (isCompared) expected.push(logits);
    onProgress((0.5 * (row + 1)) / ids.length);
  }
  const kv = await kvDifferences(model, ids, { sequential, passes, signal });
  onProgress(0.75);
  const logits: { passes: number; difference: number }[] = [];
  for (const some of logitPasses) {
    signal.throwIfAborted();
    using parallel = compiled(model, withPasses(model.program, some));
    using runner = new CheckpointRunner(parallel, ids.length);
    const received = await runner.logits(ids, rows);
    const width = received.length / rows.length;
    const perRow = expected.map((_, i) => received.subarray(i * width, (i + 1) * width));
    logits.push({ passes: some, difference: await largestDifference(perRow, expected) });
  }
  return { kv, logits };
}

async function kvDifferences(
  model: Model,
  ids: Int32Array,
  options: { readonly sequential: CheckpointRunner; readonly passes: number; readonly signal: AbortSignal },
): Promise<number[]> {
  const { sequential, passes, signal } = options;
  const layers = model.layerMap.groups.flatMap(({ kvLayers }) => kvLayers);
  using trace = await PassTrace.of(model, ids, passes);
  const differences = Array.from({ length: passes }, () => 0);
  for (const data of ["keys", "values"] as const) {
    const expected: Float32Array[] = [];
    for (const layer of layers) expected.push(...(await sequential.readSlots(layer, data)));
    for (let pass = 1; pass <= passes; pass++) {
      signal.throwIfAborted();
      const received = (await trace.after(pass, data)).flat();
      const difference = await largestDifference(received, expected);
      differences[pass - 1] = Math.max(differences[pass - 1]!, difference);
    }
  }
  return differences;
}

/** The largest difference of two elements, divided by the root mean square of `expected`. A NaN differs without bound. */
async function largestDifference(
  received: readonly Float32Array[],
  expected: readonly Float32Array[],
): Promise<number> {
  let [largest, squares, count] = [0, 0, 0];
  for (const [part, numbers] of expected.entries()) {
    const others = received[part]!;
    for (let i = 0; i < numbers.length; i++) {
      const difference = Math.abs(others[i]! - numbers[i]!);
      largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
      squares += numbers[i]! ** 2;
    }
    count += numbers.length;
    await immediate();
  }
  return largest / Math.sqrt(squares / count);
}
