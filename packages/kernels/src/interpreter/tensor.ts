import { Disposal } from "../disposal.ts";
import { tensorBytes, type WeightDType } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { type WeightSource, Weights } from "./weights.ts";

export class InterpreterTensor extends Disposal implements Tensor {
  readonly dtype: WeightDType;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly packed: boolean;
  /** The device that may use it. */
  readonly device: Disposal;
  readonly weights: Weights;

  constructor(
    device: Disposal,
    dtype: WeightDType,
    shape: readonly number[],
    source: WeightSource,
    packed = false,
  ) {
    super("tensor", device);
    this.device = device;
    this.dtype = dtype;
    this.shape = [...shape];
    this.bytes = tensorBytes(dtype, shape);
    this.packed = packed;
    this.weights = new Weights(dtype, source);
  }

  protected override release(): void {
    this.weights.use.release();
  }
}
