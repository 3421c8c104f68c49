import type { EngineInfo } from "@kvasir/core";
import { type Configuration, type Guards, policyChoice } from "../quality/configuration.ts";

/** Budgets are searched in hundredths, so that they are short to type. */
export const budgetOf = (percent: number): number => percent / 100;

/** The flags with which `kvasir-server` does what was measured, everything that was set among them. */
export function kvFlags(
  configuration: Configuration,
  guards: Guards,
  { kvDtype }: Pick<EngineInfo, "kvDtype">,
): string[] {
  // Seeds are another one in each window, and belong to the measurement.
  const { policy, budget, seed: _, ...others } = policyChoice(configuration, guards, 0);
  return [
    "--kv-policy",
    String(policy),
    ...(budget === undefined ? [] : ["--kv-budget", String(budget)]),
    ...Object.entries(others).flatMap(([name, value]) => ["--kv-option", `${name}=${value}`]),
    "--kv-dtype",
    kvDtype,
  ];
}

/** Flags as a POSIX shell takes them. */
export function shellWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`))
    .join(" ");
}
