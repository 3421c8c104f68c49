import { setImmediate } from "node:timers/promises";
import type { Device, Tensor } from "@kvasir/kernels";
import { type Checkpoint, CheckpointError, ggufName, type ModelConfig } from "@kvasir/runtime";
import { TensorEncoder } from "../synthesize/encode-numbers.ts";
import type { TensorPlan } from "../synthesize/model-shape.ts";

/** Formats of random matrices; norms are always f32. */
export type RandomDtype = "f32" | "bf16";

export type RandomCheckpointOptions = {
  readonly config: ModelConfig;
  /** Every tensor, under its name in GGUF files. */
  readonly plans: readonly TensorPlan[];
  readonly dtype: RandomDtype;
  readonly device: Device;
  /** A whole number of 32 bits; a tensor's numbers depend on it and on the tensor's name alone. */
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** @param share of the weights that are made, 0 to 1 */
  readonly onProgress?: (share: number) => void;
};

/** Weights drawn at random, in the device's memory and in no file. */
export class RandomCheckpoint implements Checkpoint {
  readonly config: ModelConfig;
  readonly path = "random weights";
  readonly names: readonly string[];
  readonly weightBytes: number;
  /** By GGUF name; what was taken is gone. */
  readonly #tensors: Map<string, Tensor>;

  private constructor(config: ModelConfig, tensors: Map<string, Tensor>) {
    this.config = config;
    this.names = [...tensors.keys()].sort();
    this.weightBytes = [...tensors.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    this.#tensors = tensors;
  }

  /** Draws all tensors, a piece at a time so that the event loop stays free. */
  static async make(options: RandomCheckpointOptions): Promise<RandomCheckpoint> {
    const { config, plans, device, signal, onProgress } = options;
    const encoder = new TensorEncoder(options.seed);
    const tensors = new Map<string, Tensor>();
    const total = plans.reduce((sum, plan) => sum + valuesOf(plan), 0);
    let made = 0;
    try {
      for (const plan of plans) {
        const dtype = plan.shape.length === 1 ? "f32" : options.dtype;
        const bytes = new Uint8Array(valuesOf(plan) * (dtype === "f32" ? 4 : 2));
        let filled = 0;
        for (const piece of encoder.bytes(plan, dtype)) {
          bytes.set(piece, filled);
          filled += piece.length;
          await setImmediate();
          signal?.throwIfAborted();
        }
        const { buffer } = bytes;
        const data = dtype === "f32" ? new Float32Array(buffer) : new Uint16Array(buffer);
        tensors.set(plan.name, device.tensor(dtype, plan.shape, data));
        made += valuesOf(plan);
        onProgress?.(made / total);
      }
    } catch (error) {
      for (const tensor of tensors.values()) tensor.dispose();
      throw error;
    }
    return new RandomCheckpoint(config, tensors);
  }

  nameInFile(name: string): string {
    return ggufName(name);
  }

  has(name: string): boolean {
    return this.#tensors.has(ggufName(name));
  }

  /** Each tensor can be taken once. */
  tensor(name: string, shape: readonly number[]): Tensor {
    const stored = ggufName(name);
    const tensor = this.#tensors.get(stored);
    const fail = (code: CheckpointError["code"], reason: string) =>
      new CheckpointError(code, this.path, `tensor ${stored} ${reason}`, { tensor: stored });
    if (!tensor) throw fail("missing-tensor", `is missing, expected one of shape [${shape.join(", ")}]`);
    if (tensor.shape.join() !== shape.join()) {
      throw fail("wrong-shape", `has shape [${tensor.shape.join(", ")}], expected [${shape.join(", ")}]`);
    }
    this.#tensors.delete(stored);
    return tensor;
  }

  unused(): string[] {
    return [...this.#tensors.keys()].sort();
  }

  /** Frees what was not taken. */
  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function valuesOf({ shape }: TensorPlan): number {
  return shape.reduce((product, size) => product * size, 1);
}
