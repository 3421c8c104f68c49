import { availableParallelism, cpus, loadavg, release, totalmem, type } from "node:os";

/** The conditions of a run, without which its numbers say nothing. */
export type Conditions = {
  readonly date: string;
  readonly cpu: string;
  readonly processors: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** Load of the machine in the minute before. */
  readonly loadBefore: number;
};

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
