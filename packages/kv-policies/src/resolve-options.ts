import type { PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import {
  COMMON_OPTIONS,
  type CommonOptions,
  type OptionsOf,
  type PolicyOptions,
  type PolicyParameters,
} from "./options.ts";

const DEFAULTS: CommonOptions = {
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
  const { name, parameters } = definition;
  const evicts = definition.score !== undefined || definition.select !== undefined;
  const known = [...(evicts ? COMMON_OPTIONS : []), ...Object.keys(parameters)];
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const list =
      known.length > 0 ? `it takes ${known.join(", ")}` : "it keeps everything and takes no options";
    throw new PolicyError("UNKNOWN_OPTION", name, `option "${option}" is unknown; ${list}.`, {
      field: option,
    });
  }
  const refuse = (field: string, expected: string, received: unknown): never => {
    throw new PolicyError(
      "INVALID_OPTION",
      name,
      `${field}: expected ${expected}, received ${typeof received === "bigint" ? `${received}n` : JSON.stringify(received)}.`,
      { field },
    );
  };
  if (!evicts) return { ...DEFAULTS, sinks: 0, recent: 0, ...resolveParameters(parameters, given, refuse) };

  const merged = { ...DEFAULTS, ...definition.defaults, ...withoutUndefined(given) } as CommonOptions;
  const { budget, sinks, recent, minTokens, prefill, decode } = merged;
  const isFraction = typeof budget === "number" && budget > 0 && budget <= 1;
  if (!isFraction && !isInteger(budget, 2))
    refuse("budget", "a fraction above 0 and up to 1, or a whole number of tokens from 2", budget);
  if (!isInteger(sinks, 0)) refuse("sinks", "a whole number of at least 0", sinks);
  if (!isInteger(recent, 0)) refuse("recent", "a whole number of at least 0", recent);
  if (!isInteger(minTokens, 0)) refuse("minTokens", "a whole number of at least 0", minTokens);
  if (prefill !== "end" && prefill !== "chunk") refuse("prefill", '"end" or "chunk"', prefill);
  if (typeof decode !== "boolean") refuse("decode", "true or false", decode);

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
  if (protectLayers.length === limits.layers && budget !== 1) {
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

function resolveParameters(
  parameters: PolicyParameters,
  given: PolicyOptions,
  refuse: Refuse,
): Record<string, number | boolean> {
  const resolved: Record<string, number | boolean> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const value = given[name] === undefined ? parameter.default : given[name];
    if (parameter.type === "boolean") {
      resolved[name] = typeof value === "boolean" ? value : refuse(name, "true or false", value);
      continue;
    }
    const { type, minimum, maximum } = parameter;
    const fits =
      typeof value === "number" &&
      value >= minimum &&
      value <= maximum &&
      (type === "number" || Number.isInteger(value));
    resolved[name] = fits
      ? value
      : refuse(
          name,
          `${type === "integer" ? "a whole number" : "a number"} in ${minimum}..${maximum}`,
          value,
        );
  }
  return resolved;
}

function isInteger(value: unknown, minimum: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= minimum;
}

function withoutUndefined(options: PolicyOptions): PolicyOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
