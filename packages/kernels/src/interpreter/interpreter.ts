import type { Device, Executable, MappedFile, PageMemory, PageMemorySpec } from "../device.ts";
import { Disposal } from "../disposal.ts";
import type { QuantDType, WeightDType } from "../dtype.ts";
import { KernelError } from "../kernel-error.ts";
import type { Program } from "../program.ts";
import type { Tensor } from "../tensor.ts";
import { validatePageMemorySpec, validateTensorData } from "../validate-memory.ts";
import { validatePack } from "../validate-pack.ts";
import { validateProgram } from "../validate-program.ts";
import { InterpreterExecutable } from "./executable.ts";
import { InterpreterFile } from "./mapped-file.ts";
import { outOfMemory } from "./out-of-memory.ts";
import { packedBlocks } from "./packing.ts";
import { InterpreterPageMemory } from "./page-memory.ts";
import { InterpreterTensor } from "./tensor.ts";
import type { WeightSource } from "./weights.ts";
import { WorkQueue } from "./work-queue.ts";

/**
 * A device in plain TypeScript: activations in double precision, weights and pages exactly as their
 * formats hold them. The oracle of the native kernels' tests, and the slow fallback where none loads.
 * It works on the event loop, in turns of a few milliseconds.
 */
export function createInterpreter(): Device {
  return new Interpreter();
}

class Interpreter extends Disposal implements Device {
  readonly description = "interpreter";
  readonly backend = "interpreter";
  readonly #queue = new WorkQueue();

  constructor() {
    super("device");
  }

  async mapFile(path: string): Promise<MappedFile> {
    this.checkAlive();
    return InterpreterFile.open(this, path);
  }

  tensor(
    dtype: WeightDType,
    shape: readonly number[],
    data: Float32Array | Uint16Array | Uint8Array,
  ): Tensor {
    this.checkAlive();
    validateTensorData(dtype, shape, data);
    // Not by slice(), which of a Buffer copies nothing.
    const bytes = Uint8Array.from(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).buffer;
    return new InterpreterTensor(this, dtype, shape, ownBytes(bytes));
  }

  async pack(weight: Tensor, dtype?: QuantDType): Promise<Tensor> {
    this.checkAlive();
    if (!(weight instanceof InterpreterTensor) || weight.device !== this) {
      throw new KernelError("invalid-argument", "weight is of another device");
    }
    weight.checkAlive();
    const packed = validatePack(weight, dtype);
    const { weights, shape } = weight;
    weights.use.retain();
    try {
      const blocks = await this.#queue.submit(async () => {
        await weights.load();
        return packedBlocks(weights, packed);
      });
      return new InterpreterTensor(this, packed, shape, ownBytes(blocks), true);
    } catch (error) {
      throw outOfMemory(error);
    } finally {
      weights.use.release();
    }
  }

  pageMemory(spec: PageMemorySpec): PageMemory {
    this.checkAlive();
    validatePageMemorySpec(spec);
    return new InterpreterPageMemory(this, this.#queue, spec);
  }

  compile(program: Program): Executable {
    this.checkAlive();
    const weights = program.tensors.map((tensor, i) => {
      if (!(tensor instanceof InterpreterTensor) || tensor.device !== this) {
        throw new KernelError("invalid-argument", `tensors[${i}] is of another device`);
      }
      tensor.checkAlive();
      return tensor.weights;
    });
    validateProgram(program);
    return new InterpreterExecutable(this, this.#queue, program, weights);
  }
}

function ownBytes(bytes: ArrayBuffer): WeightSource {
  return { read: async () => bytes, close: () => {} };
}
