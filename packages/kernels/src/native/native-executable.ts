import type { Executable, PageMemory } from "../device.ts";
import { Disposal } from "../disposal.ts";
import { KernelError } from "../kernel-error.ts";
import type { Program } from "../program.ts";
import type { Step, StepResult } from "../step.ts";
import { validateProgram } from "../validate-program.ts";
import { validateStep } from "../validate-step.ts";
import type { DeviceHandle, NativeAddon, ProgramHandle } from "./addon.ts";
import { flattenProgram } from "./flatten-program.ts";
import { emptyResult, flattenStep, stepResultOf } from "./flatten-step.ts";
import { awaitNative, callNative } from "./native-error.ts";
import { NativePageMemory } from "./native-page-memory.ts";
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
    if (!(memory instanceof NativePageMemory) || memory.device !== this.#device) {
      throw new KernelError("invalid-argument", "the page memory is of another device");
    }
    memory.checkAlive();
    validateStep(this, memory.spec, step);
    const topLogprobs = step.sampling?.map((sampling) => sampling.topLogprobs) ?? [];
    const result = callNative(() => emptyResult(step, this.program.vocabSize));
    await awaitNative(() => this.#addon.run(this.#handle, memory.handle, flattenStep(step), result));
    return stepResultOf(topLogprobs, result);
  }

  protected override release(): void {
    this.#addon.close(this.#handle);
  }
}
