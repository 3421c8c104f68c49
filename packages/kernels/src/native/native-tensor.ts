import { Disposal } from "../disposal.ts";
import { tensorBytes, type WeightDType } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import type { NativeAddon, TensorHandle } from "./addon.ts";

export class NativeTensor extends Disposal implements Tensor {
  readonly dtype: WeightDType;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly packed: boolean;
  /** The device that may use it. */
  readonly device: Disposal;
  readonly handle: TensorHandle;
  readonly #addon: NativeAddon;

  /** `packedBytes`: of a packed tensor, what its layout takes. */
  constructor(
    addon: NativeAddon,
    device: Disposal,
    handle: TensorHandle,
    dtype: WeightDType,
    shape: readonly number[],
    packedBytes?: number,
  ) {
    super("tensor", device);
    this.#addon = addon;
    this.device = device;
    this.handle = handle;
    this.dtype = dtype;
    this.shape = [...shape];
    this.bytes = packedBytes ?? tensorBytes(dtype, shape);
    this.packed = packedBytes !== undefined;
  }

  protected override release(): void {
    this.#addon.close(this.handle);
  }
}
