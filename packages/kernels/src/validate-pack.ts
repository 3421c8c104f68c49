import { invalidArgument } from "./check-argument.ts";
import { blockFormat, isQuantDType, type QuantDType } from "./dtype.ts";
import { isQuantizeTarget, quantizeTargets } from "./quant/quantize-rows.ts";
import type { Tensor } from "./tensor.ts";

/** Checks what `Device.pack` was given; whose the tensor is, a device checks itself. Returns the packed dtype. */
export function validatePack(weight: Tensor, dtype: QuantDType | undefined): QuantDType {
  const { shape } = weight;
  if (weight.packed) invalidArgument("weight is packed already");
  if (isQuantDType(weight.dtype)) {
    if (dtype !== undefined && dtype !== weight.dtype) {
      invalidArgument(`dtype is ${String(dtype)}; a ${weight.dtype} weight can only be packed as it is`);
    }
    return weight.dtype;
  }
  if (!isQuantizeTarget(dtype)) {
    const expected = `${quantizeTargets.join(", ")}, to quantise a ${weight.dtype} weight to`;
    invalidArgument(`dtype is ${String(dtype)}; expected one of ${expected}`);
  }
  const { values } = blockFormat[dtype];
  if (shape.length !== 2 || shape[1]! % values !== 0) {
    const expected = `two dimensions, the second a multiple of ${values}`;
    invalidArgument(`weight is [${String(shape)}]; expected ${expected}, for ${dtype}`);
  }
  return dtype;
}
