import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";
import type { Conditions } from "./comparison.ts";

/** This machine, now. */
export function conditionsNow(): Conditions {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    processors: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    node: process.version,
    loadBefore: loadavg()[0]!,
  };
}
