import { actingParts } from "./acting-parts.ts";
import { BoundPolicy } from "./bound-policy.ts";
import { signalsOf, withParts } from "./combination.ts";
import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import type { PolicyOptions } from "./options.ts";
import { chunkFault, partsFault } from "./parts-fault.ts";
import type { Policy, PolicyEnvironment } from "./policy.ts";
import { resolveOptions } from "./resolve-options.ts";
import { resolvePolicy } from "./resolve-policy.ts";

/**
 * Checks options and signals and binds a policy to a model.
 * @throws PolicyError `UNKNOWN_POLICY`, `UNKNOWN_OPTION`, `INVALID_OPTION`; `INVALID_DEFINITION` where parts of the policy do
 * not go together; `MISSING_SIGNAL` when the engine cannot supply what the policy reads.
 */
export function createPolicy(
  policy: string | PolicyDefinition,
  options: PolicyOptions,
  environment: PolicyEnvironment,
): Policy {
  const found = resolvePolicy(policy);
  const definition = found.forLayers?.(environment.layers) ?? found;
  for (const signal of signalsOf([definition])) {
    if (environment.signals.includes(signal)) continue;
    const available = environment.signals.join(", ") || "none";
    throw new PolicyError(
      "MISSING_SIGNAL",
      definition.name,
      `it needs the signal "${signal}"; available here: ${available}.`,
      { field: signal },
    );
  }
  const resolved = resolveOptions(definition, options, environment);
  const acting = actingParts(definition, resolved, environment.layers);
  const isCache = withParts(definition).some(({ positions }) => positions === "cache");
  const positions = isCache ? "cache" : "original";
  const fault = partsFault(definition, acting, positions);
  if (fault) throw new PolicyError("INVALID_DEFINITION", definition.name, fault.message, fault);
  const expected = chunkFault(acting, positions, resolved);
  if (expected) {
    const message = `prefill: expected ${expected}, received "chunk".`;
    throw new PolicyError("INVALID_OPTION", definition.name, message, { field: "prefill" });
  }
  return new BoundPolicy({ definition, options: resolved, environment, acting, positions });
}
