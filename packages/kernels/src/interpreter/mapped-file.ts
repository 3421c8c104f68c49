import { type FileHandle, open } from "node:fs/promises";
import type { MappedFile } from "../device.ts";
import { Disposal } from "../disposal.ts";
import type { WeightDType } from "../dtype.ts";
import { KernelError } from "../kernel-error.ts";
import type { Tensor } from "../tensor.ts";
import { validateTensorView } from "../validate-memory.ts";
import { SharedUse } from "./shared-use.ts";
import { InterpreterTensor } from "./tensor.ts";

/** Largest read in one call, in bytes; Node takes less than 2 GiB. */
const readBytes = 1 << 28;

/** A file whose tensors are read when they are first used. */
export class InterpreterFile extends Disposal implements MappedFile {
  readonly path: string;
  readonly size: number;
  readonly #device: Disposal;
  readonly #handle: FileHandle;
  /** The file and those of its tensors that have not been read yet. */
  readonly #use: SharedUse;

  private constructor(device: Disposal, path: string, handle: FileHandle, size: number) {
    super("file", device);
    this.#device = device;
    this.path = path;
    this.#handle = handle;
    this.size = size;
    this.#use = new SharedUse(() => void handle.close());
  }

  static async open(device: Disposal, path: string): Promise<InterpreterFile> {
    let handle: FileHandle | undefined;
    try {
      handle = await open(path, "r");
      const stat = await handle.stat();
      if (!stat.isFile()) throw new Error("it is not a file");
      return new InterpreterFile(device, path, handle, stat.size);
    } catch (error) {
      await handle?.close();
      throw cannotRead(path, error as Error);
    }
  }

  tensor(dtype: WeightDType, shape: readonly number[], offset: number): Tensor {
    this.checkAlive();
    validateTensorView(dtype, shape, offset, this.size);
    this.#use.retain();
    const tensor: InterpreterTensor = new InterpreterTensor(this.#device, dtype, shape, {
      read: () => this.#read(offset, tensor.bytes),
      close: () => this.#use.release(),
    });
    return tensor;
  }

  async #read(offset: number, bytes: number): Promise<ArrayBuffer> {
    const data = new Uint8Array(bytes);
    for (let done = 0; done < bytes; ) {
      const length = Math.min(bytes - done, readBytes);
      const { bytesRead } = await this.#handle.read(data, done, length, offset + done).catch((error) => {
        throw cannotRead(this.path, error);
      });
      if (bytesRead === 0)
        throw cannotRead(this.path, new Error(`it is shorter than ${this.size} bytes now`));
      done += bytesRead;
    }
    return data.buffer;
  }

  protected override release(): void {
    this.#use.release();
  }
}

function cannotRead(path: string, { message }: Error): KernelError {
  return new KernelError("io", `cannot read ${path}: ${message}`);
}
