import type { Model, Program } from "@kvasir/runtime";
import type { SequenceModel } from "../../checkpoint-runner.ts";

/** Another program over a model's own tensors, to be disposed before the model. */
export function compiled({ device, kvHeads, headDim }: Model, program: Program): SequenceModel & Disposable {
  const executable = device.compile(program);
  return {
    device,
    kvLayers: program.kvLayers,
    kvHeads,
    headDim,
    run: executable.run.bind(executable),
    [Symbol.dispose]: () => executable.dispose(),
  };
}
