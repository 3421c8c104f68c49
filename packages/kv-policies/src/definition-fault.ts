import type { PolicySpec } from "./definition.ts";
import { COMMON_OPTIONS, type CommonOptions, type PolicyParameters } from "./options.ts";
import { parameterAccepts, parameterRange } from "./parameter-values.ts";
import { SIGNALS, type Signal } from "./signals.ts";

/** What is wrong with a definition, and the field at fault. */
export type Fault = { readonly field: string; readonly message: string };

/** Says where a definition contradicts itself, or nothing. */
export function definitionFault(spec: PolicySpec<Signal, PolicyParameters>): Fault | undefined {
  const fault = (field: string, message: string): Fault => ({ field, message: `${field}: ${message}` });
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(spec.name))
    return fault("name", "expected lower-case words joined by hyphens.");
  if ("partAt" in spec || "forLayers" in spec)
    return fault("partAt", "a combination is made by a wrapper, and not changed afterwards.");
  for (const signal of spec.signals) {
    if (!SIGNALS.includes(signal)) return fault("signals", `"${signal}" is none of ${SIGNALS.join(", ")}.`);
  }
  if (spec.score && spec.select) return fault("select", "expected it or score, received both.");
  const evicts = spec.score !== undefined || spec.select !== undefined;
  for (const name of ["allocate", "profile"] as const) {
    if (spec[name] && !evicts) return fault(name, "there is neither score nor select to use it.");
  }
  if (spec.sizesItself && !spec.select)
    return fault("sizesItself", "only a select can decide how many slots a head keeps.");
  for (const option of Object.keys(spec.defaults ?? {})) {
    if (!COMMON_OPTIONS.includes(option as keyof CommonOptions))
      return fault("defaults", `"${option}" is no common option.`);
  }
  for (const [name, parameter] of Object.entries(spec.parameters ?? {})) {
    if (COMMON_OPTIONS.includes(name as keyof CommonOptions))
      return fault("parameters", `"${name}" is a common option.`);
    if (!parameterAccepts(parameter, parameter.default))
      return fault("parameters", `the default of "${name}" is not ${parameterRange(parameter)}.`);
  }
  return undefined;
}
