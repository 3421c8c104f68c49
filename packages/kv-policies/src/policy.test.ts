import { describe, it } from "vitest";
import { builtInPolicies } from "./built-in-policies.ts";
import { l2Norm } from "./policies/l2-norm.ts";
import { streamingLlm } from "./policies/streaming-llm.ts";
import { policyChecks } from "./policy.case.ts";
import { guardsOnly, layerAttention, recentAttention, summedAttention } from "./sample-policies.ts";
import { adaptive } from "./wrappers/adaptive.ts";
import { chunked } from "./wrappers/chunked.ts";
import { merge } from "./wrappers/merge.ts";
import { perLayer } from "./wrappers/per-layer.ts";
import { perPhase } from "./wrappers/per-phase.ts";

const combinations = [
  chunked(adaptive(recentAttention)),
  adaptive(chunked(merge(l2Norm))),
  perPhase(adaptive(recentAttention), summedAttention),
  perPhase(l2Norm, adaptive(chunked(recentAttention))),
  perPhase(layerAttention, guardsOnly),
  perPhase(recentAttention, streamingLlm),
  perLayer((layer) => (layer < 2 ? layerAttention : guardsOnly)),
  adaptive(perLayer((layer) => (layer < 2 ? l2Norm : recentAttention))),
];

describe.each([...builtInPolicies, ...combinations])("$name", (definition) => {
  for (const { name, run } of policyChecks(definition)) it(name, run);
});
