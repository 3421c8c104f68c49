import { builtInPolicies } from "./built-in-policies.ts";
import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";

/**
 * Finds a policy by name among the built-in ones and `others`; a definition is returned as it is.
 * @throws PolicyError `UNKNOWN_POLICY`, with the known names
 */
export function resolvePolicy(
  policy: string | PolicyDefinition,
  others: readonly PolicyDefinition[] = [],
): PolicyDefinition {
  if (typeof policy !== "string") return policy;
  const known = [...builtInPolicies, ...others];
  const found = known.find((definition) => definition.name === policy);
  if (found) return found;
  throw new PolicyError(
    "UNKNOWN_POLICY",
    policy,
    `it is unknown; known are ${known.map(({ name }) => name).join(", ")}.`,
  );
}
