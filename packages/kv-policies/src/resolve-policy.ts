import { builtInPolicies } from "./built-in-policies.ts";
import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import { adaptive } from "./wrappers/adaptive.ts";
import { chunked } from "./wrappers/chunked.ts";
import { merge } from "./wrappers/merge.ts";
import { perPhase } from "./wrappers/per-phase.ts";

/** The wrappers that can be asked for by name, before a policy's: "adaptive+snapkv". */
const wrappers: Readonly<Record<string, (inner: PolicyDefinition) => PolicyDefinition>> = {
  adaptive,
  chunked,
  merge,
};

const longestName = 200;

/**
 * Finds a policy by name among the built-in ones and `others`; a definition is returned as it is. A name may have wrappers
 * before it, the outermost first ("chunked+adaptive+snapkv"), and two of those may be joined to one for prompts and one
 * for decoding ("adaptive+snapkv>h2o").
 * @throws PolicyError `UNKNOWN_POLICY`, with the known names; `INVALID_DEFINITION` for what cannot be combined
 */
export function resolvePolicy(
  policy: string | PolicyDefinition,
  others: readonly PolicyDefinition[] = [],
): PolicyDefinition {
  if (typeof policy !== "string") return policy;
  const known = [...builtInPolicies, ...others];
  const names = [`known are ${known.map(({ name }) => name).join(", ")}`];
  names.push(`wrappers: ${Object.keys(wrappers).join("+, ")}+`, "one for prompts and one for decoding: a>b");
  const unknown = (name: string) => {
    const short = name.length > longestName ? `${name.slice(0, longestName)}...` : name;
    return new PolicyError("UNKNOWN_POLICY", short, `it is unknown; ${names.join("; ")}.`);
  };
  if (policy.length > longestName) throw unknown(policy);
  const find = (name: string): PolicyDefinition => {
    const found = known.find((definition) => definition.name === name);
    if (found) return found;
    const plus = name.indexOf("+");
    if (plus < 0) throw unknown(name);
    const wrapper = name.slice(0, plus);
    if (!Object.hasOwn(wrappers, wrapper)) throw unknown(`${wrapper}+`);
    return wrappers[wrapper]!(find(name.slice(plus + 1)));
  };
  const whole = others.find(({ name }) => name === policy);
  if (whole) return whole;
  const [first, second, ...more] = policy.split(">");
  if (more.length > 0) throw unknown(policy);
  return second === undefined ? find(first!) : perPhase(find(first!), find(second));
}
