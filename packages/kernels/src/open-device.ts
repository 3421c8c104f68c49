import type { Device } from "./device.ts";
import { KernelError } from "./kernel-error.ts";

/** Instruction-set levels of the CPU backend, slowest first; `reference` is plain C++. */
export type CpuLevel = "reference" | "baseline" | "avx2" | "avx512" | "avx512bf16";

export type DeviceOptions = {
  /** `auto` (default): native kernels, or, with a warning, the interpreter where no binary loads. */
  readonly backend?: "auto" | "native" | "interpreter";
  /** Threads that compute, 1 to 256; default: the processors available. */
  readonly threads?: number;
  /** Forces a level that this machine has; default: the environment's `KVASIR_CPU`, else the best. */
  readonly cpu?: CpuLevel;
  /** Called with a sentence for the user; default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void;
};

/** Opens a device. Throws `KernelError` (`unsupported`) where what was asked for is not there, saying what was tried. */
export function openDevice(_options: DeviceOptions = {}): Device {
  throw new KernelError("unsupported", "no backend is built yet");
}

/** The levels that the native library offers on this machine, slowest first; empty where no binary loads. */
export function cpuLevels(): readonly CpuLevel[] {
  return [];
}
