import type { PartOutcome } from "./run-figures.ts";

/** What became of a part, for a log. */
export function outcomeLine(outcome: PartOutcome): string {
  const what = `${outcome.figure.name}: ${outcome.part.label}`;
  if ("saved" in outcome) return `${what}: ${outcome.saved.seconds.toFixed(1)} s`;
  return `${what}: ${outcome.state}${"message" in outcome ? `: ${outcome.message}` : ""}`;
}
