import type { PolicyDefinition, PolicySpec } from "./definition.ts";
import type { OptionsOf, PolicyParameters } from "./options.ts";
import type { Place } from "./policy.ts";
import type { Signal } from "./signals.ts";

type Options = OptionsOf<PolicyParameters>;

/** A policy made of others. Unlike `definePolicy` it takes any name, and checks nothing: its parts were checked. */
export function combine(
  parts: readonly PolicyDefinition[],
  spec: PolicySpec<Signal, PolicyParameters> & Pick<PolicyDefinition, "partAt" | "forLayers">,
): PolicyDefinition {
  return Object.freeze({
    ...spec,
    positions: spec.positions ?? "original",
    defaults: spec.defaults ?? {},
    parameters: spec.parameters ?? {},
    sizesItself: spec.sizesItself ?? false,
    sharesBy: spec.sharesBy ?? "head",
    parts,
  });
}

/** The part that chooses slots at a place: the definition itself unless it is a combination by layer or phase. */
export function partAt(definition: PolicyDefinition, place: Place): PolicyDefinition {
  return definition.partAt ? partAt(definition.partAt(place), place) : definition;
}

/** Whether it chooses slots at all. */
export function choosesSlots({ score, select }: PolicyDefinition): boolean {
  return score !== undefined || select !== undefined;
}

/** A definition and all parts that it is made of, at any depth. */
export function withParts(definition: PolicyDefinition): PolicyDefinition[] {
  return [definition, ...definition.parts.flatMap(withParts)];
}

/** The options of a combination as one of its parts sees them: what was not given is the part's own default. */
export function optionsOfPart(part: PolicyDefinition, options: Options): Options {
  const filled: Record<string, unknown> = { ...options };
  for (const [name, parameter] of Object.entries(part.parameters)) filled[name] ??= parameter.default;
  return filled as Options & Record<string, unknown>;
}

/** Every signal that one of them reads, each once. */
export function signalsOf(definitions: readonly Pick<PolicyDefinition, "signals">[]): Signal[] {
  return [...new Set(definitions.flatMap(({ signals }) => signals))];
}
