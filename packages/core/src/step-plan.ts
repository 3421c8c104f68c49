import type { PageTables } from "@kvasir/paged-memory";
import type { PageMemory, Sampling, Step, StepSequence } from "@kvasir/runtime";
import type { Scheduled } from "./schedule.ts";
import type { Sequence } from "./sequence.ts";

/** Whose an output of a step is, and the position of its row: what it says is about the token behind that. */
export type StepOutput = { readonly sequence: Sequence; readonly position: number };

/** A step, its outputs, and the page copies that were issued before it. */
export type StepPlan = {
  readonly step: Step;
  readonly outputs: readonly StepOutput[];
  readonly copies: Promise<unknown>;
};

/**
 * Appends the scheduled tokens to their sequences' page tables and lays out the step. Copies that shared
 * pages ask for are issued on `memory` first, in order with the step. The step's tables are views of
 * `tables`, which the next plan overwrites: devices take their own copy when the step is handed over.
 */
export function planStep(
  scheduled: readonly Scheduled<Sequence>[],
  memory: PageMemory,
  tables: PageTables,
): StepPlan {
  const tokens = new Int32Array(scheduled.reduce((sum, { rows }) => sum + rows, 0));
  const outputRows: number[] = [];
  const outputs: StepOutput[] = [];
  const sampling: Sampling[] = [];
  const copying: Promise<void>[] = [];
  const positions: number[] = [];
  tables.clear();
  let row = 0;
  for (const { sequence, rows } of scheduled) {
    const pages = sequence.pages!;
    const position = sequence.logical;
    tokens.set(sequence.tokens.view(position, position + rows), row);
    const copies = pages.append(rows);
    if (copies.from.length > 0) copying.push(memory.copyPages(copies.from, copies.to));
    pages.commit();
    tables.add(pages);
    positions.push(position);
    const last = sequence.tokens.length - 1;
    for (let i = sequence.wantsPrompt ? 0 : rows - 1; i < rows; i++) {
      const isPrompt = position + i < last;
      if (isPrompt && !sequence.wantsPrompt) continue;
      outputRows.push(row + i);
      outputs.push({ sequence, position: position + i });
      sampling.push(isPrompt ? sequence.promptSampling(position + i) : sequence.sampling());
    }
    row += rows;
  }
  const sequences = scheduled.map(({ sequence, rows }, index): StepSequence => {
    const { queries, sinks } = sequence;
    const collect = sequence.collection(positions[index]!);
    const heads = sequence.pages!.heads;
    const start = tables.starts[index * heads]!;
    return {
      rows,
      position: positions[index]!,
      resident: tables.resident.subarray(index * heads, (index + 1) * heads).map((slots) => slots - rows),
      pages: tables.pages.subarray(start, start + sequence.pages!.pageCount),
      sinks,
      ...(queries && { queries }),
      ...(collect && { collect }),
    };
  });
  const copies = Promise.all(copying);
  copies.catch(() => {}); // whoever awaits the plan sees it
  const returnLogits = outputs.some(({ sequence }) => sequence.returnLogits);
  const step = { tokens, sequences, outputs: Int32Array.from(outputRows), sampling, returnLogits };
  return { copies, outputs, step };
}
