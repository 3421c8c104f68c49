import type { AttentionRead, QueryWindow } from "../attention-read.ts";
import type { Executable, PageMemory } from "../device.ts";
import { Disposal } from "../disposal.ts";
import { KernelError } from "../kernel-error.ts";
import type { Program } from "../program.ts";
import type { Step, StepResult } from "../step.ts";
import { validateQueryWindow, validateReads } from "../validate-signals.ts";
import { validateStep } from "../validate-step.ts";
import { AttentionReadRun } from "./attention-read.ts";
import { outOfMemory } from "./out-of-memory.ts";
import { InterpreterPageMemory } from "./page-memory.ts";
import { InterpreterQueryWindow } from "./query-window.ts";
import { copyStep } from "./step-copy.ts";
import { StepRun } from "./step-run.ts";
import type { Weights } from "./weights.ts";
import type { Work, WorkQueue } from "./work-queue.ts";

export class InterpreterExecutable extends Disposal implements Executable {
  readonly program: Program;
  readonly #device: Disposal;
  readonly #queue: WorkQueue;
  readonly #weights: readonly Weights[];

  constructor(device: Disposal, queue: WorkQueue, program: Program, weights: readonly Weights[]) {
    super("executable", device);
    this.program = program;
    this.#device = device;
    this.#queue = queue;
    this.#weights = weights;
    for (const { use } of weights) use.retain();
  }

  async run(memory: PageMemory, step: Step): Promise<StepResult> {
    this.checkAlive();
    const own = this.#ownMemory(memory);
    validateStep(this, own.spec, step);
    const copy = copyStep(step);
    for (const { use } of this.#weights) use.retain();
    try {
      return await this.#queue.submit(async () => {
        for (const weights of this.#weights) await weights.load();
        return new StepRun(this.program, this.#weights, own, copy).run();
      });
    } catch (error) {
      throw outOfMemory(error);
    } finally {
      for (const { use } of this.#weights) use.release();
    }
  }

  queryWindow(window: number): QueryWindow {
    this.checkAlive();
    validateQueryWindow(window);
    return new InterpreterQueryWindow(this, this.#queue, window);
  }

  async readAttention(memory: PageMemory, reads: readonly AttentionRead[]): Promise<Float32Array[]> {
    this.checkAlive();
    const own = this.#ownMemory(memory);
    validateReads(this, own.spec, reads);
    const copies = reads.map((read) => ({ ...read, pages: read.pages.slice() }));
    try {
      return await this.#queue.submit(() => this.#readAttention(own, copies));
    } catch (error) {
      throw outOfMemory(error);
    }
  }

  *#readAttention(memory: InterpreterPageMemory, reads: readonly AttentionRead[]): Work<Float32Array[]> {
    const results: Float32Array[] = [];
    for (const read of reads) {
      results.push(yield* new AttentionReadRun(this.program, memory, read).run());
    }
    return results;
  }

  #ownMemory(memory: PageMemory): InterpreterPageMemory {
    if (!(memory instanceof InterpreterPageMemory) || memory.device !== this.#device) {
      throw new KernelError("invalid-argument", "the page memory is of another device");
    }
    memory.checkAlive();
    return memory;
  }

  protected override release(): void {
    for (const { use } of this.#weights) use.release();
  }
}
