export { builtInPolicies } from "./built-in-policies.ts";
export { createPolicy } from "./create-policy.ts";
export {
  type AllocateContext,
  definePolicy,
  type HeadContext,
  isPolicyDefinition,
  type Phase,
  type PolicyDefinition,
  type PolicySpec,
  type ScoreContext,
} from "./definition.ts";
export { PolicyError, type PolicyErrorCode } from "./errors.ts";
export { type ImportOptions, importPolicies } from "./import-policies.ts";
export { joinPolicies } from "./known-policies.ts";
export type {
  CommonOptions,
  OptionsOf,
  ParameterValue,
  PolicyOptions,
  PolicyParameter,
  PolicyParameters,
} from "./options.ts";
export { cascadingKv } from "./policies/cascading-kv.ts";
export { corm } from "./policies/corm.ts";
export { duoAttention } from "./policies/duo-attention.ts";
export { expectedAttention } from "./policies/expected-attention.ts";
export { fastgen } from "./policies/fastgen.ts";
export { full } from "./policies/full.ts";
export { h2o } from "./policies/h2o.ts";
export { keydiff } from "./policies/keydiff.ts";
export { keyformer } from "./policies/keyformer.ts";
export { l2Norm } from "./policies/l2-norm.ts";
export { lagkv } from "./policies/lagkv.ts";
export { pyramidInfer } from "./policies/pyramid-infer.ts";
export { pyramidkv } from "./policies/pyramidkv.ts";
export { random } from "./policies/random.ts";
export { scissorhands } from "./policies/scissorhands.ts";
export { snapkv } from "./policies/snapkv.ts";
export { streamingLlm } from "./policies/streaming-llm.ts";
export { tova } from "./policies/tova.ts";
export { window } from "./policies/window.ts";
export type {
  AllocateQuery,
  Allocation,
  HeadState,
  Needs,
  OverBudgetQuery,
  Place,
  Policy,
  PolicyEnvironment,
  RequestSize,
  ResidentBound,
  SelectQuery,
} from "./policy.ts";
export { type FlaggedPolicies, PolicyFlagError, type PolicyFlags, readPolicyFlags } from "./policy-flags.ts";
export { resolvePolicy } from "./resolve-policy.ts";
export {
  type AttentionCollects,
  type AttentionSpec,
  SIGNALS,
  type Signal,
  type SignalSet,
} from "./signals.ts";
export { adaptive } from "./wrappers/adaptive.ts";
export { chunked } from "./wrappers/chunked.ts";
export { merge } from "./wrappers/merge.ts";
export { perLayer } from "./wrappers/per-layer.ts";
export { perPhase } from "./wrappers/per-phase.ts";
