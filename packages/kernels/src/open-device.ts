import { availableParallelism } from "node:os";
import { checkInteger } from "./check-argument.ts";
import type { Device } from "./device.ts";
import { createInterpreter } from "./interpreter/interpreter.ts";
import { KernelError } from "./kernel-error.ts";
import type { NativeAddon } from "./native/addon.ts";
import { loadAddon } from "./native/load-addon.ts";
import { NativeDevice } from "./native/native-device.ts";

/** Instruction-set levels of the CPU backend, slowest first; `reference` is plain C++. */
export type CpuLevel =
  | "reference"
  | "baseline"
  | "avx2"
  | "avx512"
  | "avx512vnni"
  | "amx"
  | "neon"
  | "neondot";

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
export function openDevice(options: DeviceOptions = {}): Device {
  const { backend = "auto", threads = Math.min(availableParallelism(), 256) } = options;
  checkInteger("threads", threads, 1, 256);
  switch (backend) {
    case "native":
      return openNative(loadAddon(), options.cpu, threads);
    case "interpreter":
      if (options.cpu !== undefined) {
        throw new KernelError("invalid-argument", `cpu is ${options.cpu}; the interpreter has no levels`);
      }
      return createInterpreter();
    case "auto":
      return openBest(options, threads);
    default:
      throw new KernelError(
        "invalid-argument",
        `backend is ${String(backend)}; expected auto, native or interpreter`,
      );
  }
}

/** The levels that the native library offers on this machine, slowest first; empty where no binary loads. */
export function cpuLevels(): readonly CpuLevel[] {
  try {
    return levelsOf(loadAddon());
  } catch (error) {
    if (error instanceof KernelError && error.code === "unsupported") return [];
    throw error;
  }
}

function openBest(options: DeviceOptions, threads: number): Device {
  let addon: NativeAddon;
  try {
    addon = loadAddon();
  } catch (error) {
    if (!(error instanceof KernelError) || options.cpu !== undefined) throw error;
    const warn = options.onWarning ?? ((message) => process.emitWarning(message, "KvasirWarning"));
    warn(`Running on the TypeScript interpreter, which is many times slower: ${error.message}`);
    return createInterpreter();
  }
  return openNative(addon, options.cpu, threads);
}

function openNative(addon: NativeAddon, cpu: string | undefined, threads: number): Device {
  const name = cpu === undefined ? "KVASIR_CPU" : "cpu";
  const level = cpu ?? (process.env.KVASIR_CPU || undefined);
  const levels = levelsOf(addon);
  if (level !== undefined && !levels.some((known) => known === level)) {
    throw new KernelError("unsupported", `${name} is ${level}; this machine offers ${levels.join(", ")}`);
  }
  return new NativeDevice(addon, level, threads);
}

function levelsOf(addon: NativeAddon): readonly CpuLevel[] {
  return addon.levels.split(",") as CpuLevel[];
}
