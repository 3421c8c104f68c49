import { isBuiltin } from "node:module";
import { builtInPolicies } from "@kvasir/kv-policies";

/**
 * Checks the name of a policy and of the package that it comes in.
 * @throws RangeError that says what a name is
 */
export function checkPolicyName(name: string): void {
  const refuse = (reason: string): never => {
    throw new RangeError(`name: ${JSON.stringify(name.slice(0, 80))} ${reason}`);
  };
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > 64)
    refuse("is none: expected lower-case words joined by hyphens, up to 64 characters");
  if (builtInPolicies.some((policy) => policy.name === name)) refuse("is a built-in policy");
  if (isBuiltin(name)) refuse("is a module of Node's, which would be loaded in its place");
}
