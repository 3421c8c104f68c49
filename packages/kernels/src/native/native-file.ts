import type { MappedFile } from "../device.ts";
import { Disposal } from "../disposal.ts";
import type { WeightDType } from "../dtype.ts";
import { KernelError } from "../kernel-error.ts";
import type { Tensor } from "../tensor.ts";
import { validateTensorView } from "../validate-memory.ts";
import { dtypeCodes } from "./abi-codes.ts";
import type { FileHandle, NativeAddon } from "./addon.ts";
import { callNative } from "./native-error.ts";
import { NativeTensor } from "./native-tensor.ts";

export class NativeFile extends Disposal implements MappedFile {
  readonly path: string;
  readonly size: number;
  readonly #addon: NativeAddon;
  readonly #device: Disposal;
  readonly #handle: FileHandle;

  constructor(addon: NativeAddon, device: Disposal, path: string) {
    super("file", device);
    if (path.includes("\0"))
      throw new KernelError("io", `cannot read ${JSON.stringify(path)}: it holds a NUL`);
    const { file, size } = callNative(() => addon.mapFile(path));
    this.#addon = addon;
    this.#device = device;
    this.#handle = file;
    this.path = path;
    this.size = size;
  }

  tensor(dtype: WeightDType, shape: readonly number[], offset: number): Tensor {
    this.checkAlive();
    validateTensorView(dtype, shape, offset, this.size);
    const sizes = BigInt64Array.from(shape, BigInt);
    const handle = callNative(() => this.#addon.viewTensor(this.#handle, dtypeCodes[dtype], sizes, offset));
    return new NativeTensor(this.#addon, this.#device, handle, dtype, shape);
  }

  protected override release(): void {
    this.#addon.close(this.#handle);
  }
}
