import type { PageMemory } from "../src/device.ts";
import type { PagedSequence } from "./paged-sequence.ts";

/** Cuts every head down to its last `count` slots. The sequence is so at once, whenever the device moves them. */
export function keepLast(memory: PageMemory, sequence: PagedSequence, count: number): Promise<void> {
  const heads = sequence.tables.map((pages, head) => ({
    source: Int32Array.from(pages),
    keep: Int32Array.from({ length: count }, (_, i) => sequence.resident[head]! - count + i),
    destination: Int32Array.from(pages.slice(0, Math.ceil(count / memory.spec.pageTokens))),
  }));
  const moved = memory.compact(heads);
  sequence.resident.fill(count);
  heads.forEach(({ destination }, head) => {
    sequence.tables[head]!.length = destination.length;
  });
  return moved;
}
