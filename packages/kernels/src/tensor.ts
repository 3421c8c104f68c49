import type { DType } from "./dtype.ts";

/** Numbers on a device, row-major: a copy of its own, or a view of a mapped file. */
export interface Tensor extends Disposable {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  dispose(): void;
}
