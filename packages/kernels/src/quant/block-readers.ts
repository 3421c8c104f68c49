import type { QuantDType } from "../dtype.ts";
import type { BlockReader } from "./block.ts";
import { readQ4K, readQ5K, readQ6K } from "./k-blocks.ts";
import { readQ40, readQ41, readQ50, readQ51, readQ80 } from "./simple-blocks.ts";

/** How to read a format, and how many values share a scale. */
export const blockReaders: Readonly<
  Record<QuantDType, { readonly read: BlockReader; readonly group: 16 | 32 }>
> = {
  q8_0: { read: readQ80, group: 32 },
  q4_0: { read: readQ40, group: 32 },
  q4_1: { read: readQ41, group: 32 },
  q5_0: { read: readQ50, group: 32 },
  q5_1: { read: readQ51, group: 32 },
  q4_k: { read: readQ4K, group: 32 },
  q5_k: { read: readQ5K, group: 32 },
  q6_k: { read: readQ6K, group: 16 },
};
