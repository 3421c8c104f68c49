import { KernelError, type KernelErrorCode } from "../kernel-error.ts";

const codes: readonly KernelErrorCode[] = [
  "invalid-argument",
  "out-of-memory",
  "unsupported",
  "io",
  "disposed",
  "internal",
];

/** What the binding threw, as the error that callers know, with the stack of the caller. */
export function kernelErrorOf(error: unknown): KernelError {
  if (error instanceof KernelError) return error;
  if (!(error instanceof Error)) return new KernelError("internal", String(error));
  // JavaScript says with a RangeError that there is no memory for an array.
  if (error instanceof RangeError) return new KernelError("out-of-memory", error.message);
  const code = codes.find((known) => known === (error as { code?: unknown }).code);
  return new KernelError(code ?? "internal", error.message);
}

/** Calls the binding. */
export function callNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw kernelErrorOf(error);
  }
}

/** Calls the binding and waits for the device. */
export async function awaitNative<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw kernelErrorOf(error);
  }
}
