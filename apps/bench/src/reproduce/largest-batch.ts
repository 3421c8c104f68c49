import { setImmediate } from "node:timers/promises";
import { OutOfPagesError, SequencePages } from "@kvasir/paged-memory";
import { type KvMemory, pageTokens } from "./kv-memory.ts";

export type BatchSearch = {
  readonly kv: KvMemory;
  readonly kvLayers: number;
  readonly kvHeads: number;
  /** Slots of each sequence, at least 1. */
  readonly tokens: number;
  readonly signal?: AbortSignal;
};

export type LargestBatch = {
  /** Sequences that fit together; 0 where not one does. */
  readonly batch: number;
  /** Pages that one of them takes. */
  readonly pagesEach: number;
};

/** Finds the largest batch that a memory holds by allocating: doubled until one does not fit, then bisected. */
export async function largestBatch(search: BatchSearch): Promise<LargestBatch> {
  let [fitting, tooMany, pagesEach] = [0, 1, 0];
  for (;;) {
    const pages = await pagesOf(search, tooMany);
    if (pages === undefined) break;
    [fitting, tooMany, pagesEach] = [tooMany, tooMany * 2, pages / tooMany];
  }
  while (tooMany - fitting > 1) {
    const middle = (fitting + tooMany) >> 1;
    if ((await pagesOf(search, middle)) === undefined) tooMany = middle;
    else fitting = middle;
  }
  return { batch: fitting, pagesEach };
}

/** Pages that so many sequences take; undefined where they do not fit. */
async function pagesOf(search: BatchSearch, sequences: number): Promise<number | undefined> {
  const { kv, kvLayers, kvHeads, tokens, signal } = search;
  const owned: SequencePages[] = [];
  const before = kv.pool.usedPages;
  try {
    for (let i = 0; i < sequences; i++) {
      signal?.throwIfAborted();
      const sequence = new SequencePages({ pool: kv.pool, kvLayers, kvHeads, pageTokens });
      owned.push(sequence);
      sequence.append(tokens);
      await setImmediate();
    }
    return kv.pool.usedPages - before;
  } catch (error) {
    if (error instanceof OutOfPagesError) return undefined;
    throw error;
  } finally {
    for (const sequence of owned) sequence.dispose();
  }
}
