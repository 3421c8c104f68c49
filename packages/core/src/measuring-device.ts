import { stat } from "node:fs/promises";
import path from "node:path";
import type { Device, Program, QuantizeTarget, WeightDType } from "@kvasir/runtime";

type MappedFile = Awaited<ReturnType<Device["mapFile"]>>;
type Tensor = ReturnType<Device["tensor"]>;
type Executable = ReturnType<Device["compile"]>;

/** Values of a block and its bytes; what holds one value after the other has blocks of one. */
const blocks: Readonly<Record<WeightDType, readonly [values: number, bytes: number]>> = {
  f32: [1, 4],
  f16: [1, 2],
  bf16: [1, 2],
  q8_0: [32, 34],
  q4_0: [32, 18],
  q4_1: [32, 20],
  q5_0: [32, 22],
  q5_1: [32, 24],
  q4_k: [256, 144],
  q5_k: [256, 176],
  q6_k: [256, 210],
};

/**
 * A device on which a model loads without its numbers: tensors know their bytes, programs their buffers, and nothing
 * runs. It does to a checkpoint what loading does, so it finds the same mistakes.
 */
export class MeasuringDevice implements Device {
  readonly description = "none";
  readonly backend = "interpreter";

  async mapFile(file: string): Promise<MappedFile> {
    const { size } = await stat(file);
    return {
      path: path.resolve(file),
      size,
      tensor: (dtype, shape) => measured(dtype, shape, false),
      dispose: nothing,
      [Symbol.dispose]: nothing,
    };
  }

  tensor(dtype: WeightDType, shape: readonly number[]): Tensor {
    return measured(dtype, shape, false);
  }

  async pack({ dtype, shape }: Tensor, target?: WeightDType | QuantizeTarget): Promise<Tensor> {
    return measured(target ?? dtype, shape, true);
  }

  pageMemory(): never {
    throw new TypeError("this device only measures");
  }

  compile(program: Program): Executable {
    const refuse = () => {
      throw new TypeError("this device only measures");
    };
    return {
      program,
      run: refuse,
      queryWindow: refuse,
      readAttention: refuse,
      dispose: nothing,
      [Symbol.dispose]: nothing,
    };
  }

  dispose(): void {}

  [Symbol.dispose](): void {}
}

function measured(dtype: WeightDType, shape: readonly number[], packed: boolean): Tensor {
  const [values, bytes] = blocks[dtype];
  const count = shape.reduce((product, size) => product * size, 1);
  return {
    dtype,
    shape,
    packed,
    bytes: (count / values) * bytes,
    dispose: nothing,
    [Symbol.dispose]: nothing,
  };
}

function nothing(): void {}
