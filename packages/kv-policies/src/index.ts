export { builtInPolicies } from "./built-in-policies.ts";
export { createPolicy, resolvePolicy } from "./create-policy.ts";
export {
  type AllocateContext,
  definePolicy,
  type HeadContext,
  type PolicyDefinition,
  type PolicySpec,
  type ScoreContext,
} from "./definition.ts";
export { PolicyError, type PolicyErrorCode } from "./errors.ts";
export type {
  CommonOptions,
  OptionsOf,
  PolicyOptions,
  PolicyParameter,
  PolicyParameters,
} from "./options.ts";
export { full } from "./policies/full.ts";
export { l2Norm } from "./policies/l2-norm.ts";
export { streamingLlm } from "./policies/streaming-llm.ts";
export type {
  AllocateQuery,
  HeadState,
  OverBudgetQuery,
  Policy,
  PolicyEnvironment,
  RequestSize,
  ResidentBound,
  SelectQuery,
} from "./policy.ts";
export { type AttentionSpec, SIGNALS, type Signal, type SignalSet } from "./signals.ts";
