import type { Model, StepSequence } from "@kvasir/runtime";

/** Of one KV head: per slot of the prompt, its key's norm and the attention that the later queries paid to it. */
export type HeadSlots = {
  readonly norms: Float32Array;
  /** Mean over the queries of the share that the slot got; what they pay to each other is not in it. */
  readonly attention: Float32Array;
};

const pageTokens = 16;

/**
 * Reads a text's first tokens, then collects what the rest pays to them: every query sees all of those slots, so none
 * has more attention for having been there longer.
 *
 * @param ids at least one more than `slots`
 * @returns [kvLayers][kvHeads]
 */
export async function readHeads(
  model: Model,
  ids: Int32Array,
  slots: number,
  signal: AbortSignal,
): Promise<HeadSlots[][]> {
  const { kvLayers, kvHeads, headDim, device } = model;
  const tables = Array.from({ length: kvLayers * kvHeads }, (_, table) => table);
  const perTable = Math.ceil(ids.length / pageTokens);
  const pagesOf = (table: number, tokens: number) =>
    Array.from({ length: Math.ceil(tokens / pageTokens) }, (_, i) => table * perTable + i);
  const pages = tables.length * perTable;
  using memory = device.pageMemory({ pages, pageTokens, headDim, dtype: "f32" });
  const run = async (position: number, to: number, collect?: StepSequence["collect"]) => {
    signal.throwIfAborted();
    const sequence = {
      rows: to - position,
      position,
      resident: Int32Array.from(tables, () => position),
      pages: Int32Array.from(tables.flatMap((table) => pagesOf(table, to))),
      sinks: 0,
      ...(collect && { collect }),
    };
    const outputs = new Int32Array(0);
    await model.run(memory, { tokens: ids.slice(position, to), sequences: [sequence], outputs });
  };
  await run(0, slots);
  await run(slots, ids.length, { reduce: "mean", temperature: 1 });
  const read = tables.map((table) => ({ pages: Int32Array.from(pagesOf(table, slots)), slots }));
  const [norms, sums] = await Promise.all([
    memory.readSlots("keyNorm", read),
    memory.readSlots("attentionSum", read),
  ]);
  const queries = ids.length - slots;
  const heads = tables.map((table) => ({
    norms: norms[table]!,
    attention: sums[table]!.map((sum) => sum / queries),
  }));
  return Array.from({ length: kvLayers }, (_, layer) => heads.slice(layer * kvHeads, (layer + 1) * kvHeads));
}
