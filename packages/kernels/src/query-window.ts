import type { QueryWindow } from "./attention-read.ts";
import type { Executable } from "./device.ts";
import { Disposal } from "./disposal.ts";
import type { Program } from "./program.ts";

/** The query window of an executable of either backend. */
export class OwnedQueryWindow extends Disposal implements QueryWindow {
  readonly window: number;
  readonly bytes: number;
  /** The executable that may use it. */
  readonly executable: Executable;

  constructor(executable: Disposal & Executable, window: number, bytes: number) {
    super("query window", executable);
    this.executable = executable;
    this.window = window;
    this.bytes = bytes;
  }
}

/** Bytes of the queries and positions of a window. */
export function queryWindowBytes({ buffers, instructions }: Program, window: number): number {
  const elements = instructions.reduce(
    (sum, instruction) => sum + (instruction.op === "attend" ? buffers[instruction.q]!.width : 0),
    0,
  );
  return window * 4 * (elements + 1);
}
