import { describe, it } from "vitest";
import { builtInPolicies } from "./built-in-policies.ts";
import { policyChecks } from "./policy.case.ts";

describe.each(builtInPolicies)("$name", (definition) => {
  for (const { name, run } of policyChecks(definition)) it(name, run);
});
