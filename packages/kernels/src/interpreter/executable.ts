import type { Executable, PageMemory } from "../device.ts";
import { Disposal } from "../disposal.ts";
import { KernelError } from "../kernel-error.ts";
import type { Program } from "../program.ts";
import type { Step, StepResult } from "../step.ts";
import { validateStep } from "../validate-step.ts";
import { outOfMemory } from "./out-of-memory.ts";
import { InterpreterPageMemory } from "./page-memory.ts";
import { copyStep } from "./step-copy.ts";
import { StepRun } from "./step-run.ts";
import type { Weights } from "./weights.ts";
import type { WorkQueue } from "./work-queue.ts";

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
    if (!(memory instanceof InterpreterPageMemory) || memory.device !== this.#device) {
      throw new KernelError("invalid-argument", "the page memory is of another device");
    }
    memory.checkAlive();
    validateStep(this.program, memory.spec, step);
    const copy = copyStep(step);
    for (const { use } of this.#weights) use.retain();
    try {
      return await this.#queue.submit(async () => {
        for (const weights of this.#weights) await weights.load();
        return new StepRun(this.program, this.#weights, memory, copy).run();
      });
    } catch (error) {
      throw outOfMemory(error);
    } finally {
      for (const { use } of this.#weights) use.release();
    }
  }

  protected override release(): void {
    for (const { use } of this.#weights) use.release();
  }
}
