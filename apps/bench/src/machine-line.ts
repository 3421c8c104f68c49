import type { Conditions } from "./conditions.ts";

/** Where something was measured, and with what. */
export function machineLine({
  conditions,
  version,
}: {
  readonly conditions: Conditions;
  readonly version: string;
}): string {
  const { cpu, processors, memoryBytes, system, node, loadBefore, date } = conditions;
  return [
    `${cpu}, ${processors} processors, ${(memoryBytes / 2 ** 30).toFixed(0)} GiB`,
    system,
    `Node.js ${node}`,
    `load before ${loadBefore.toFixed(2)}`,
    date.slice(0, 10),
    `@kvasir/bench ${version}`,
  ].join("; ");
}
