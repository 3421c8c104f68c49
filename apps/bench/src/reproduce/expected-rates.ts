import type { ReproduceShape } from "./reproduce-shape.ts";
import { type MachineRates, weightBytesOf } from "./step-cost.ts";

/** What two cores do in a second, on the slow side: to say how long a measurement may take before it has run. */
export const twoCores: MachineRates = { operations: 80e9, weightBytes: 10e9, kvBytes: 8e9 };

/** Seconds that it takes to draw the weights of a model. */
export function drawingSeconds(shape: ReproduceShape): number {
  return (weightBytesOf(shape) / 2) * 8e-9;
}

/** Seconds that it takes to fill so many bytes of pages. */
export function fillingSeconds(bytes: number): number {
  return bytes * 1e-9;
}
