import type { AttentionRead, QueryWindow } from "../attention-read.ts";
import type { Executable, PageMemory } from "../device.ts";
import { Disposal } from "../disposal.ts";
import { KernelError } from "../kernel-error.ts";
import type { Program } from "../program.ts";
import type { Step, StepResult } from "../step.ts";
import { validateProgram } from "../validate-program.ts";
import { validateQueryWindow, validateReads } from "../validate-signals.ts";
import { validateStep } from "../validate-step.ts";
import type { DeviceHandle, NativeAddon, ProgramHandle } from "./addon.ts";
import { flattenProgram } from "./flatten-program.ts";
import { flattenReads } from "./flatten-reads.ts";
import { emptyResult, flattenStep, stepResultOf } from "./flatten-step.ts";
import { awaitNative, callNative } from "./native-error.ts";
import { NativePageMemory } from "./native-page-memory.ts";
import { NativeQueryWindow } from "./native-query-window.ts";
import { NativeTensor } from "./native-tensor.ts";

export class NativeExecutable extends Disposal implements Executable {
  readonly program: Program;
  readonly #addon: NativeAddon;
  readonly #device: Disposal;
  readonly #handle: ProgramHandle;

  constructor(addon: NativeAddon, device: Disposal, deviceHandle: DeviceHandle, program: Program) {
    super("executable", device);
    const tensors = program.tensors.map((tensor, i) => {
      if (!(tensor instanceof NativeTensor) || tensor.device !== device) {
        throw new KernelError("invalid-argument", `tensors[${i}] is of another device`);
      }
      tensor.checkAlive();
      return tensor.handle;
    });
    validateProgram(program);
    const flat = flattenProgram(program);
    this.#handle = callNative(() =>
      addon.compile(
        deviceHandle,
        flat.shape,
        flat.buffers,
        tensors,
        flat.frequencies,
        flat.ropeIntegers,
        flat.ropeNumbers,
        flat.instructions,
        flat.numbers,
        flat.kvLayerLists,
      ),
    );
    this.#addon = addon;
    this.#device = device;
    this.program = program;
  }

  async run(memory: PageMemory, step: Step): Promise<StepResult> {
    this.checkAlive();
    const { handle, spec } = this.#ownMemory(memory);
    validateStep(this, spec, step);
    const topLogprobs = step.sampling?.map((sampling) => sampling.topLogprobs) ?? [];
    const result = callNative(() => emptyResult(step, this.program));
    await awaitNative(() => this.#addon.run(this.#handle, handle, flattenStep(step), result));
    return stepResultOf(topLogprobs, result);
  }

  queryWindow(window: number): QueryWindow {
    this.checkAlive();
    validateQueryWindow(window);
    const { handle, bytes } = callNative(() => this.#addon.createQueries(this.#handle, window));
    return new NativeQueryWindow(this.#addon, this, handle, window, bytes);
  }

  async readAttention(memory: PageMemory, reads: readonly AttentionRead[]): Promise<Float32Array[]> {
    this.checkAlive();
    const { handle, spec } = this.#ownMemory(memory);
    validateReads(this, spec, reads);
    const out = callNative(() => reads.map(({ slots }) => new Float32Array(slots)));
    await awaitNative(() => this.#addon.readAttention(this.#handle, handle, flattenReads(reads), out));
    return out;
  }

  #ownMemory(memory: PageMemory): NativePageMemory {
    if (!(memory instanceof NativePageMemory) || memory.device !== this.#device) {
      throw new KernelError("invalid-argument", "the page memory is of another device");
    }
    memory.checkAlive();
    return memory;
  }

  protected override release(): void {
    this.#addon.close(this.#handle);
  }
}
