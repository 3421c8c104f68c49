import { KernelError } from "../kernel-error.ts";

/** JavaScript says with a RangeError that there is no memory for an array. */
export function outOfMemory(error: unknown): unknown {
  return error instanceof RangeError ? new KernelError("out-of-memory", error.message) : error;
}
