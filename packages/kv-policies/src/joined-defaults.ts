import type { PolicyDefinition } from "./definition.ts";
import type { CommonOptions } from "./options.ts";
import { DEFAULT_OPTIONS } from "./resolve-options.ts";

/** Defaults of several policies in one: the first that has one says which, and of guards the largest holds. */
export function joinedDefaults(parts: readonly PolicyDefinition[]): Partial<CommonOptions> {
  if (parts.length === 0) return {};
  const largest = (guard: "sinks" | "recent" | "minTokens") =>
    Math.max(...parts.map(({ defaults }) => defaults[guard] ?? DEFAULT_OPTIONS[guard]));
  return {
    ...Object.assign({}, ...parts.toReversed().map(({ defaults }) => defaults)),
    sinks: largest("sinks"),
    recent: largest("recent"),
    minTokens: largest("minTokens"),
  };
}
