import type { AttentionCollection, StepSequence } from "../step.ts";
import { InterpreterQueryWindow } from "./query-window.ts";

/** One head of one KV layer of one sequence: its pages, and the slots in use before the step. */
export type KvTable = { readonly pages: Int32Array; readonly resident: number };

/** A sequence as a step runs it. */
export type RunningSequence = {
  /** Its rows are `from` to `to - 1` of the step. */
  readonly from: number;
  readonly to: number;
  readonly position: number;
  readonly sinks: number;
  /** [kvLayers * kvHeads] */
  readonly tables: readonly KvTable[];
  readonly queries: InterpreterQueryWindow | undefined;
  readonly collect: AttentionCollection | undefined;
};

export function runningSequences(pageTokens: number, sequences: readonly StepSequence[]): RunningSequence[] {
  let to = 0;
  return sequences.map(({ rows, position, resident, pages, sinks, queries, collect }) => {
    const from = to;
    to += rows;
    let end = 0;
    const tables = Array.from(resident, (used) => {
      const start = end;
      end += Math.ceil((used + rows) / pageTokens);
      return { pages: pages.slice(start, end), resident: used };
    });
    const window = queries instanceof InterpreterQueryWindow ? queries : undefined;
    return { from, to, position, sinks, tables, queries: window, collect };
  });
}
