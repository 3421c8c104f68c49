import type { ActingParts } from "./acting-parts.ts";
import { commonBudget, normaliseShares } from "./budget.ts";
import { checkCount, describe, policyFailed } from "./call-checks.ts";
import { declaredSignals } from "./declared-signals.ts";
import type { AllocateContext, PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import type { OptionsOf, PolicyParameters } from "./options.ts";
import type { AllocateQuery, Allocation, PolicyEnvironment } from "./policy.ts";
import type { Signal } from "./signals.ts";

type Context = AllocateContext<Signal, PolicyParameters>;

/**
 * Runs a policy's `profile` and `allocate` and checks what they return.
 * @throws PolicyError `INVALID_ALLOCATION`, `INVALID_PROFILE`, `POLICY_FAILED`, `INVALID_CALL`; a failure of
 * `query.signals` as it was
 */
export async function runAllocation(
  definition: PolicyDefinition,
  options: OptionsOf<PolicyParameters>,
  { layers, heads, pageTokens }: PolicyEnvironment,
  acting: ActingParts,
  query: AllocateQuery,
): Promise<Allocation> {
  const { name } = definition;
  const { seen } = query;
  checkCount(name, "seen", seen, 0);
  const failures = new Set<unknown>();
  const resident = (layer: number, head: number) => {
    checkCount(name, "layer", layer, 0, layers - 1);
    checkCount(name, "head", head, 0, heads - 1);
    const slots = query.resident(layer, head);
    checkCount(name, "resident", slots, 0, seen);
    return slots;
  };
  const read = async (layer: number, head: number) => {
    const slots = resident(layer, head);
    const given = await query.signals(layer, head).catch((error: unknown) => {
      failures.add(error);
      throw error;
    });
    return declaredSignals(name, acting.prefill[layer]!.needs.signals, given, slots);
  };
  const signals = (layer: number, head: number) => {
    const reading = read(layer, head);
    reading.catch(() => {}); // a policy may read ahead and fail before it awaits all of that
    return reading;
  };
  const budget = commonBudget(options, seen);
  const facts = { layers, heads, seen, budget, pageTokens, options, resident, signals };
  const run = async (what: "allocate" | "profile", context: Context): Promise<Float32Array> => {
    try {
      return await definition[what]!(context);
    } catch (error) {
      throw failures.has(error) ? error : policyFailed(name, what, error);
    }
  };

  let profile = new Float32Array(layers * heads);
  if (definition.profile) {
    const found = await run("profile", { ...facts, profile: () => 0 });
    if (
      !(found instanceof Float32Array) ||
      found.length !== layers * heads ||
      !found.every(Number.isFinite)
    ) {
      const message = `profile must return a Float32Array of ${layers * heads} finite numbers, received ${describe(found)}.`;
      throw new PolicyError("INVALID_PROFILE", name, message);
    }
    profile = Float32Array.from(found);
  }
  if (!definition.allocate) return { shares: new Float32Array(layers * heads).fill(1), profile };

  const profileOf = (layer: number, head: number) => {
    resident(layer, head);
    return profile[layer * heads + head]!;
  };
  const shares = await run("allocate", { ...facts, profile: profileOf });
  if (!(shares instanceof Float32Array) || shares.length !== layers * heads) {
    const message = `allocate must return a Float32Array of ${layers * heads} shares, received ${describe(shares)}.`;
    throw new PolicyError("INVALID_ALLOCATION", name, message);
  }
  if (definition.sharesBy === "layer" && shares.some((share, i) => share !== shares[i - (i % heads)])) {
    const message = 'allocate must give the heads of a layer the same share, as it says (sharesBy: "layer").';
    throw new PolicyError("INVALID_ALLOCATION", name, message);
  }
  const normalised = normaliseShares(shares, heads, options.protectLayers);
  if (normalised) return { shares: normalised, profile };
  const message = "shares must be finite and at least 0, and one of them positive.";
  throw new PolicyError("INVALID_ALLOCATION", name, message);
}
