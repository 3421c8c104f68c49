import type { Executable } from "../device.ts";
import type { Disposal } from "../disposal.ts";
import { OwnedQueryWindow, queryWindowBytes } from "../query-window.ts";
import type { Work, WorkQueue } from "./work-queue.ts";

/** The queries of one position: by the index of the instruction that attends, all heads. */
export type HeldQuery = { readonly position: number; readonly layers: Map<number, Float32Array> };

export class InterpreterQueryWindow extends OwnedQueryWindow {
  readonly #queue: WorkQueue;
  /** Ascending positions. */
  #held: HeldQuery[] = [];

  constructor(executable: Disposal & Executable, queue: WorkQueue, window: number) {
    super(executable, window, queryWindowBytes(executable.program, window));
    this.#queue = queue;
  }

  /** Makes room for the rows of a step, and forgets what stood at their positions and later ones. */
  start(position: number, rows: number): void {
    const before = this.#held.filter((held) => held.position < position);
    const first = Math.max(0, rows - this.window);
    const taken = Array.from({ length: rows - first }, (_, i) => ({
      position: position + first + i,
      layers: new Map<number, Float32Array>(),
    }));
    this.#held = [...before, ...taken].slice(-this.window);
  }

  /** Keeps the query of a layer, if there is room for its position. */
  write(layer: number, position: number, q: Float64Array): void {
    this.#held.find((held) => held.position === position)?.layers.set(layer, new Float32Array(q));
  }

  /** At most `count`, the newest of those before `position`, in order. */
  newest(count: number, position: number): readonly HeldQuery[] {
    return this.#held.filter((held) => held.position < position).slice(-count);
  }

  protected override release(): void {
    // What has been submitted still runs.
    void this.#queue.submit(() => this.#forget());
  }

  *#forget(): Work {
    this.#held = [];
    yield;
  }
}
