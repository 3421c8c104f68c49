import type { PolicyDefinition } from "./definition.ts";
import { full } from "./policies/full.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import { streamingLlm } from "./policies/streaming-llm.ts";

/** The policies that can be asked for by name. */
export const builtInPolicies: readonly PolicyDefinition[] = [full, streamingLlm, l2Norm];
