import { Disposal } from "../disposal.ts";
import { type DType, dtypeBytes } from "../dtype.ts";
import type { Tensor } from "../tensor.ts";
import { type WeightSource, Weights } from "./weights.ts";

export class InterpreterTensor extends Disposal implements Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly bytes: number;
  /** The device that may use it. */
  readonly device: Disposal;
  readonly weights: Weights;

  constructor(device: Disposal, dtype: DType, shape: readonly number[], source: WeightSource) {
    super("tensor", device);
    this.device = device;
    this.dtype = dtype;
    this.shape = [...shape];
    this.bytes = shape.reduce((product, size) => product * size, dtypeBytes[dtype]);
    this.weights = new Weights(dtype, source);
  }

  protected override release(): void {
    this.weights.use.release();
  }
}
