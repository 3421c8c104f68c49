import type { WeightDType } from "./dtype.ts";

/** Numbers on a device, row-major: a copy of its own, or a view of a mapped file. */
export interface Tensor extends Disposable {
  readonly dtype: WeightDType;
  readonly shape: readonly number[];
  /** Bytes of memory that it takes: of its numbers or blocks, or, where packed, of the device's layout. */
  readonly bytes: number;
  /** Laid out by `Device.pack`: good as the weight of `linear` and `gated`, and for nothing else. */
  readonly packed: boolean;
  dispose(): void;
}
