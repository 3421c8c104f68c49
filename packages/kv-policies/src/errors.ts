/**
 * - `INVALID_DEFINITION`: what was given to `definePolicy` contradicts itself.
 * - `UNKNOWN_POLICY`, `UNKNOWN_OPTION`, `INVALID_OPTION`, `MISSING_SIGNAL`: refused at start-up, by `createPolicy`.
 * - `NOT_FOUND`, `IMPORT_FAILED`, `NO_POLICY`, `FAILED_CHECK`: what `importPolicies` was told to load is not there, does not load, has
 *   no policy in it, or has one that fails the conformance suite.
 * - `NAME_TAKEN`: two policies with one name.
 * - `INVALID_CALL`: the engine called with values that cannot be.
 * - `INVALID_SCORES`, `INVALID_SELECTION`, `INVALID_ALLOCATION`, `INVALID_PROFILE`, `POLICY_FAILED`: the policy's own code went wrong on
 *   one request; only that request fails.
 */
export type PolicyErrorCode =
  | "INVALID_DEFINITION"
  | "UNKNOWN_POLICY"
  | "UNKNOWN_OPTION"
  | "INVALID_OPTION"
  | "MISSING_SIGNAL"
  | "NOT_FOUND"
  | "IMPORT_FAILED"
  | "NO_POLICY"
  | "FAILED_CHECK"
  | "NAME_TAKEN"
  | "INVALID_CALL"
  | "INVALID_SCORES"
  | "INVALID_SELECTION"
  | "INVALID_ALLOCATION"
  | "INVALID_PROFILE"
  | "POLICY_FAILED";

/** Everything this package throws. */
export class PolicyError extends Error {
  readonly code: PolicyErrorCode;
  /** Name of the policy, as asked for; or what it was to be loaded from. */
  readonly policy: string;
  /** The option, signal or argument at fault, where there is one. */
  readonly field: string | undefined;
  constructor(
    code: PolicyErrorCode,
    policy: string,
    message: string,
    details: { field?: string; cause?: unknown } = {},
  ) {
    super(`Policy ${policy}: ${message}`, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = "PolicyError";
    this.code = code;
    this.policy = policy;
    this.field = details.field;
  }
}
