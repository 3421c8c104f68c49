import { checkNumber, invalidArgument } from "./check-argument.ts";
import type { Device } from "./device.ts";
import { KernelError } from "./kernel-error.ts";
import { NativeDevice } from "./native/native-device.ts";

/** What of a machine is measured, by the threads of a device and the instructions of its level. */
export type Probe =
  /** Bytes a second read from a buffer of that many bytes, whole MiB: take several times the last cache. */
  | { readonly what: "read"; readonly bytes: number }
  /** Operations a second in registers, of f32 or of 8-bit integers; a multiplication and an addition are two. */
  | { readonly what: "float" | "byte" };

const kinds = { read: 0, float: 1, byte: 2 };
const mebibyte = 2 ** 20;

/**
 * Measures a rate for about `seconds` (up to 60) and gives the best pass: what no kernel can exceed. Throws
 * `KernelError`: `unsupported` for a device without native kernels, `invalid-argument`, `out-of-memory`.
 */
export async function probeDevice(device: Device, probe: Probe, seconds = 0.5): Promise<number> {
  if (!Object.hasOwn(kinds, probe.what)) {
    invalidArgument(`what is ${String(probe.what)}; expected one of ${Object.keys(kinds).join(", ")}`);
  }
  const bytes = probe.what === "read" ? probe.bytes : 0;
  if (probe.what === "read") {
    const fits = (value: number) => Number.isSafeInteger(value / mebibyte) && value > 0 && value <= 2 ** 40;
    checkNumber("bytes", bytes, "a multiple of 1 MiB, up to 1 TiB", fits);
  }
  checkNumber("seconds", seconds, "a number above 0, up to 60", (value) => value > 0 && value <= 60);
  if (!(device instanceof NativeDevice)) {
    throw new KernelError("unsupported", `${device.description} has no native kernels; nothing to measure`);
  }
  return device.probe(kinds[probe.what], bytes, seconds);
}
