import { PolicyError } from "./errors.ts";

/** Refuses an engine's call with a value that cannot be. */
export function refuseCall(policy: string, field: string, expected: string, received: unknown): never {
  const message = `${field}: expected ${expected}, received ${String(received)}.`;
  throw new PolicyError("INVALID_CALL", policy, message, { field });
}

/** Refuses anything but a whole number in the range. */
export function checkCount(
  policy: string,
  field: string,
  value: number,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
  refuseCall(policy, field, `a whole number in ${minimum}..${maximum}`, value);
}

/** What something is, in a word or two. */
export function describe(value: unknown): string {
  if (ArrayBuffer.isView(value) && "length" in value)
    return `${value.constructor.name}(${String(value.length)})`;
  return value === null ? "null" : typeof value;
}

/** Turns what a policy's own code threw into an error of the request. */
export function policyFailed(policy: string, what: string, cause: unknown): PolicyError {
  if (cause instanceof PolicyError) return cause;
  return new PolicyError("POLICY_FAILED", policy, `${what} threw ${String(cause)}.`, { cause });
}
