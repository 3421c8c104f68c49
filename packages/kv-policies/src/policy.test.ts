import { describe, it } from "vitest";
import { full } from "./policies/full.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import { streamingLlm } from "./policies/streaming-llm.ts";
import { policyChecks } from "./policy.case.ts";

describe.each([full, streamingLlm, l2Norm])("$name", (definition) => {
  for (const { name, run } of policyChecks(definition)) it(name, run);
});
