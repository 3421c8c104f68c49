import type { AttentionRead } from "../attention-read.ts";
import { measureCodes, reduceCodes } from "./abi-codes.ts";
import type { FlatReads } from "./addon.ts";
import { queriesOf } from "./native-query-window.ts";

/** Flattens reads that have been validated. */
export function flattenReads(reads: readonly AttentionRead[]): FlatReads {
  return {
    queries: reads.map(({ queries }) => queriesOf(queries)),
    integers: Int32Array.from(
      reads.flatMap((read) => [
        read.kvLayer,
        read.kvHead,
        read.slots,
        read.position,
        read.sinks,
        measureCodes[read.measure],
        read.window,
        reduceCodes[read.reduce],
        read.future,
      ]),
    ),
    thresholds: Float32Array.from(reads, ({ threshold }) => threshold),
    pages: reads.map(({ pages }) => pages),
  };
}
