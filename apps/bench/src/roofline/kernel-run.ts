import type { Device, Executable, PageMemory, Program, Step } from "@kvasir/kernels";

/** A program and a step of it, ready to be timed. Frees its memory, not the device's tensors. */
export class KernelRun implements Disposable {
  readonly #memory: PageMemory;
  readonly #executable: Executable;

  constructor(device: Device, program: Program, pages: number) {
    const { headDim } = program;
    this.#memory = device.pageMemory({ pages, pageTokens, headDim, dtype: "f16" });
    this.#executable = device.compile(program);
  }

  /** Milliseconds of the fastest run: at least 3, and as many as begin within `seconds`. */
  async fastest(step: Step, seconds: number): Promise<number> {
    let best = Number.POSITIVE_INFINITY;
    const begin = performance.now();
    for (let run = 0; run < 3 || performance.now() - begin < seconds * 1000; run++) {
      const start = performance.now();
      await this.once(step);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  }

  async once(step: Step): Promise<void> {
    await this.#executable.run(this.#memory, step);
  }

  [Symbol.dispose](): void {
    this.#executable.dispose();
    this.#memory.dispose();
  }
}

/** Slots of a page. */
export const pageTokens = 16;

/** A step of one sequence whose tables take the pages in their order; it asks for no logits. */
export function stepOf(program: Program, rows: number, resident: number): Step {
  const tables = program.kvLayers * program.kvHeads;
  return {
    tokens: new Int32Array(rows),
    sequences: [
      {
        rows,
        position: resident,
        resident: new Int32Array(tables).fill(resident),
        pages: Int32Array.from({ length: tables * pagesFor(resident + rows) }, (_, page) => page),
        sinks: 0,
      },
    ],
    outputs: new Int32Array(0),
  };
}

/** Pages of one table for that many slots. */
export function pagesFor(slots: number): number {
  return Math.ceil(slots / pageTokens);
}
