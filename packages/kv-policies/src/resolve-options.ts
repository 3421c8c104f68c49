import { choosesSlots, withParts } from "./combination.ts";
import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import {
  COMMON_OPTIONS,
  type CommonOptions,
  type OptionsOf,
  type PolicyOptions,
  type PolicyParameter,
  type PolicyParameters,
} from "./options.ts";
import { parameterAccepts, parameterRange } from "./parameter-values.ts";

/** What options are that neither a user nor a policy says. */
export const DEFAULT_OPTIONS: CommonOptions = {
  budget: 1,
  sinks: 4,
  recent: 32,
  minTokens: 0,
  protectLayers: [],
  prefill: "end",
  decode: true,
};

/** What the options are checked against. */
export interface OptionLimits {
  readonly layers: number;
  readonly pageTokens: number;
}

/**
 * Checks options from outside and fills in the defaults. `protectLayers` comes back as ascending layer numbers.
 * @throws PolicyError `UNKNOWN_OPTION` or `INVALID_OPTION`
 */
export function resolveOptions(
  definition: PolicyDefinition,
  given: PolicyOptions,
  limits: OptionLimits,
): OptionsOf<PolicyParameters> {
  const { name } = definition;
  const evicts = withParts(definition).some(choosesSlots);
  const parameters = parametersOf(definition);
  const known: string[] = [...(evicts ? COMMON_OPTIONS : []), ...parameters.keys()];
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const list =
      known.length > 0 ? `it takes ${known.join(", ")}` : "it keeps everything and takes no options";
    throw new PolicyError("UNKNOWN_OPTION", name, `option "${option}" is unknown; ${list}.`, {
      field: option,
    });
  }
  const refuse = (field: string, expected: string, value: unknown): never => {
    throw new PolicyError(
      "INVALID_OPTION",
      name,
      `${field}: expected ${expected}, received ${received(value)}.`,
      { field },
    );
  };
  if (!evicts)
    return { ...DEFAULT_OPTIONS, sinks: 0, recent: 0, ...resolveParameters(parameters, given, refuse) };

  const merged = { ...DEFAULT_OPTIONS, ...definition.defaults, ...withoutUndefined(given) } as CommonOptions;
  const { budget, sinks, recent, minTokens, prefill, decode } = merged;
  const isFraction = typeof budget === "number" && budget > 0 && budget <= 1;
  if (!isFraction && !isInteger(budget, 2))
    refuse("budget", "a fraction above 0 and up to 1, or a whole number of tokens from 2", budget);
  if (!isInteger(sinks, 0)) refuse("sinks", "a whole number of at least 0", sinks);
  if (!isInteger(recent, 0)) refuse("recent", "a whole number of at least 0", recent);
  if (!isInteger(minTokens, 0)) refuse("minTokens", "a whole number of at least 0", minTokens);
  if (prefill !== "end" && prefill !== "chunk") refuse("prefill", '"end" or "chunk"', prefill);
  if (typeof decode !== "boolean") refuse("decode", "true or false", decode);

  const sizesItself = withParts(definition).some((part) => part.sizesItself);
  const guarded = sinks + Math.max(recent, 1);
  if (budget > 1 && budget < guarded)
    refuse(
      "budget",
      `at least ${guarded} tokens, as sinks (${sinks}) and recent (${recent}) are never evicted`,
      budget,
    );
  if (budget > 1 && budget < minTokens) refuse("budget", `at least minTokens (${minTokens})`, budget);
  if (budget > 1 && budget < limits.pageTokens)
    refuse("budget", `at least one page (${limits.pageTokens} tokens)`, budget);

  const protectLayers = resolveLayers(
    merged.protectLayers,
    given.protectLayers !== undefined,
    limits.layers,
    refuse,
  );
  if (protectLayers.length === limits.layers && (budget !== 1 || sizesItself)) {
    refuse(
      "protectLayers",
      `fewer than all ${limits.layers} KV layers of the model (pass [] to protect none)`,
      merged.protectLayers,
    );
  }
  return {
    budget,
    sinks,
    recent,
    minTokens,
    protectLayers,
    prefill,
    decode,
    ...resolveParameters(parameters, given, refuse),
  };
}

type Refuse = (field: string, expected: string, received: unknown) => never;

function resolveLayers(protect: unknown, given: boolean, layers: number, refuse: Refuse): readonly number[] {
  if (!Array.isArray(protect)) return refuse("protectLayers", "a list of KV layers", protect);
  const resolved = new Set<number>();
  for (const layer of protect as unknown[]) {
    const inRange = isInteger(layer, -layers) && layer < layers;
    if (inRange) resolved.add(layer < 0 ? layer + layers : layer);
    else if (given) refuse("protectLayers", `KV layers in ${-layers}..${layers - 1}`, layer);
  }
  return [...resolved].sort((a, b) => a - b);
}

/** The parameters of a policy and of all its parts, by name. */
function parametersOf(definition: PolicyDefinition): Map<string, readonly PolicyParameter[]> {
  const byName = new Map<string, readonly PolicyParameter[]>();
  for (const { parameters } of withParts(definition)) {
    for (const [name, parameter] of Object.entries(parameters))
      byName.set(name, [...(byName.get(name) ?? []), parameter]);
  }
  return byName;
}

/** What was not given and has different defaults in different parts is left out: each part fills in its own. */
function resolveParameters(
  parameters: ReadonlyMap<string, readonly PolicyParameter[]>,
  given: PolicyOptions,
  refuse: Refuse,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = {};
  for (const [name, all] of parameters) {
    const value = given[name];
    if (value === undefined) {
      const isAgreed = new Set(all.map((parameter) => JSON.stringify(parameter.default))).size === 1;
      if (isAgreed) resolved[name] = all[0]!.default;
      continue;
    }
    const refusing = all.find((parameter) => !parameterAccepts(parameter, value));
    if (refusing) refuse(name, parameterRange(refusing), value);
    resolved[name] = Array.isArray(value) ? Object.freeze([...value]) : value;
  }
  return resolved;
}

/** A value from outside in few words, whatever it is. */
function received(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Array.isArray(value) && value.length > 8) return `a list of ${value.length}`;
  try {
    const text = JSON.stringify(value) ?? typeof value;
    return text.length > longest ? `${text.slice(0, longest)}...` : text;
  } catch {
    return typeof value; // it refers to itself, or holds what JSON has no word for
  }
}

const longest = 100;

function isInteger(value: unknown, minimum: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= minimum;
}

function withoutUndefined(options: PolicyOptions): PolicyOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
