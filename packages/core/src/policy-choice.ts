import {
  createPolicy,
  isPolicyDefinition,
  joinPolicies,
  type Policy,
  type PolicyDefinition,
  PolicyError,
  resolvePolicy,
} from "@kvasir/kv-policies";
import type { Model } from "@kvasir/runtime";
import { isCacheOption } from "./checked-options.ts";
import { EngineError } from "./engine-error.ts";
import type { PolicyChoice } from "./engine-options.ts";
import { availableSignals } from "./eviction.ts";
import { received } from "./received.ts";

/** Checks the policies that an engine is to know besides the built-in ones. Throws `invalid-options`. */
export function checkPolicies(policies: readonly PolicyDefinition[] = []): readonly PolicyDefinition[] {
  if (!Array.isArray(policies)) {
    const message = `policies: expected an array of policies, received ${received(policies)}`;
    throw new EngineError("invalid-options", message, "policies");
  }
  try {
    return joinPolicies(policies);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new EngineError("invalid-options", `policies: ${reason}`, "policies", { cause: error });
  }
}

/**
 * Binds a policy to a model. What cannot work together is refused here, with `code`, the option's name and the
 * reason.
 */
export function choosePolicy(
  choice: PolicyChoice,
  {
    model,
    pageTokens,
    policies,
  }: {
    readonly model: Model;
    readonly pageTokens: number;
    /** What is known by name besides the built-in policies. */
    readonly policies: readonly PolicyDefinition[];
  },
  code: "invalid-options" | "invalid-request",
): Policy {
  if (typeof choice !== "object" || choice === null || Array.isArray(choice)) {
    throw new EngineError(code, `kvCache: expected an object, received ${received(choice)}`, "kvCache");
  }
  const { policy: name = "full", ...rest } = choice;
  if (typeof name !== "string" && !isPolicyDefinition(name)) {
    const expected = "a policy's name or what definePolicy returns";
    throw new EngineError(
      code,
      `kvCache.policy: expected ${expected}, received ${received(name)}`,
      "kvCache.policy",
    );
  }
  // Of the engine's options, those about pages are not the policy's; a request has none of them.
  const options =
    code === "invalid-options"
      ? Object.fromEntries(Object.entries(rest).filter(([option]) => !isCacheOption(option)))
      : rest;
  try {
    const policy = createPolicy(resolvePolicy(name, policies), options, {
      layers: model.kvLayers,
      heads: model.kvHeads,
      pageTokens,
      signals: availableSignals,
    });
    if (policy.positions === "cache" && policy.evicts && model.config.rope.dynamic) {
      throw new EngineError(
        code,
        `kvCache.policy: ${policy.name} moves sinks to positions inside the cache, which rope scaling "dynamic" does not allow`,
        "kvCache.policy",
      );
    }
    return policy;
  } catch (error) {
    if (error instanceof EngineError) throw error;
    if (!(error instanceof PolicyError)) {
      throw new EngineError(code, `kvCache: ${String(error)}`, "kvCache", { cause: error });
    }
    // Other errors name a part of the policy's definition, which is no field of the choice.
    const isOption = error.code === "UNKNOWN_OPTION" || error.code === "INVALID_OPTION";
    const param = isOption && error.field ? `kvCache.${error.field}` : "kvCache.policy";
    throw new EngineError(code, `${param}: ${error.message}`, param, { cause: error });
  }
}
