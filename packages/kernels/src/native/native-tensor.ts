import { Disposal } from "../disposal.ts";
import { type DType, dtypeBytes } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import type { NativeAddon, TensorHandle } from "./addon.ts";

export class NativeTensor extends Disposal implements Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** The device that may use it. */
  readonly device: Disposal;
  readonly handle: TensorHandle;
  readonly #addon: NativeAddon;

  constructor(
    addon: NativeAddon,
    device: Disposal,
    handle: TensorHandle,
    dtype: DType,
    shape: readonly number[],
  ) {
    super("tensor", device);
    this.#addon = addon;
    this.device = device;
    this.handle = handle;
    this.dtype = dtype;
    this.shape = [...shape];
    this.bytes = shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
  }

  protected override release(): void {
    this.#addon.close(this.handle);
  }
}
