import type { DeviceOptions } from "@kvasir/runtime";
import { type Command, InvalidArgumentError, Option } from "commander";

export type DeviceFlags = {
  readonly backend: "auto" | "native" | "interpreter";
  readonly cpu?: NonNullable<DeviceOptions["cpu"]>;
  readonly threads?: number;
};

/** Reads a whole number within a range from a command line. */
export function wholeNumber(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= low && value <= high) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
  };
}

/** Adds the flags that choose a device. What measures speed asks for `native`: a fallback is not to be measured. */
export function deviceFlags(
  command: Command,
  backend: DeviceFlags["backend"] = "auto",
  threads?: number,
): Command {
  return command
    .addOption(
      new Option("--backend <name>", "what runs the model")
        .choices(["auto", "native", "interpreter"])
        .default(backend),
    )
    .addOption(
      new Option("--cpu <level>", "force an instruction-set level (default: the best)").choices([
        "reference",
        "baseline",
        "avx2",
        "avx512",
        "avx512vnni",
        "amx",
        "neon",
        "neondot",
      ]),
    )
    .option(
      "--threads <n>",
      `threads that compute${threads === undefined ? " (default: all processors)" : ""}`,
      wholeNumber(1, 256),
      threads,
    );
}

export function deviceOptions({ backend, cpu, threads }: DeviceFlags): DeviceOptions {
  return { backend, ...(cpu && { cpu }), ...(threads !== undefined && { threads }) };
}
