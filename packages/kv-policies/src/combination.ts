import type { PolicyDefinition, PolicySpec } from "./definition.ts";
import { markDefinition } from "./definition-mark.ts";
import { PolicyError } from "./errors.ts";
import type { OptionsOf, PolicyParameters } from "./options.ts";
import type { Place } from "./policy.ts";
import type { Signal } from "./signals.ts";

type Options = OptionsOf<PolicyParameters>;
type Combination = PolicySpec<Signal, PolicyParameters> &
  Pick<PolicyDefinition, "partAt" | "forLayers" | "allocators">;

/**
 * A policy made of others. Unlike `definePolicy` it takes any name.
 * @throws PolicyError `INVALID_DEFINITION` where a parameter of its own has the name of one of a part
 */
export function combine(parts: readonly PolicyDefinition[], spec: Combination): PolicyDefinition {
  const { parameters = {} } = spec;
  for (const part of parts.flatMap(withParts)) {
    const clash = Object.keys(part.parameters).find((name) => name in parameters);
    if (clash) refuseCombination(spec.name, `${part.name} has a parameter "${clash}" already.`, "parameters");
  }
  return markDefinition({
    ...spec,
    parameters,
    positions: spec.positions ?? "original",
    defaults: spec.defaults ?? {},
    sizesItself: spec.sizesItself ?? false,
    sharesBy: spec.sharesBy ?? "head",
    parts,
  });
}

/** @throws PolicyError `INVALID_DEFINITION` */
export function refuseCombination(name: string, message: string, field?: string): never {
  throw new PolicyError("INVALID_DEFINITION", name, message, field === undefined ? {} : { field });
}

/** Makes a combination: at once, or as soon as the number of KV layers is known where a part depends on it. */
export function combineForLayers(
  name: string,
  parts: readonly PolicyDefinition[],
  make: (parts: readonly PolicyDefinition[], layers?: number) => PolicyDefinition,
): PolicyDefinition {
  if (parts.every(({ forLayers }) => forLayers === undefined)) return make(parts);
  const forLayers = (layers: number) =>
    make(
      parts.map((part) => part.forLayers?.(layers) ?? part),
      layers,
    );
  return combine([], { name, signals: [], forLayers });
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

/** A policy of one part, which does everything that `changes` does not say. */
export function around(
  inner: PolicyDefinition,
  changes: Partial<Combination> & { readonly name: string },
): PolicyDefinition {
  const { attention, merge, score, select, allocate, profile } = inner;
  const own = (options: Options) => optionsOfPart(inner, options);
  const within = <Context extends { readonly options: Options }>(context: Context) => ({
    ...context,
    options: own(context.options),
  });
  return combine([inner], {
    signals: inner.signals,
    signalsOnce: inner.signalsOnce ?? [],
    defaults: inner.defaults,
    positions: inner.positions,
    sizesItself: inner.sizesItself,
    sharesBy: inner.sharesBy,
    ...(attention && { attention: (options) => attention(own(options)) }),
    ...(merge && { merge: (options) => merge(own(options)) }),
    ...(score && { score: (context) => score(within(context)) }),
    ...(select && { select: (context) => select(within(context)) }),
    ...(allocate && { allocate: (context) => allocate(within(context)) }),
    ...(profile && { profile: (context) => profile(within(context)) }),
    ...changes,
  });
}

/**
 * Wraps whatever chooses slots in a policy, however it is combined, and leaves the rest as it is.
 * @throws PolicyError `INVALID_DEFINITION` where nothing in it chooses slots
 */
export function wrapWhatChooses(
  wrapper: string,
  inner: PolicyDefinition,
  wrap: (part: PolicyDefinition, name: string) => PolicyDefinition,
): PolicyDefinition {
  const name = wrappedName(wrapper, inner);
  const wrapParts = (part: PolicyDefinition): PolicyDefinition => {
    if (!part.partAt) return choosesSlots(part) ? wrap(part, wrappedName(wrapper, part)) : part;
    const wrapped = new Map(part.parts.map((each) => [each, wrapParts(each)]));
    const at = part.partAt;
    const parts = [...wrapped.values()];
    const combination = { ...part, name: wrappedName(wrapper, part), signals: signalsOf(parts) };
    return combine(parts, { ...combination, partAt: (place) => wrapped.get(at(place))! });
  };
  return combineForLayers(name, [inner], ([known]) => {
    if (!withParts(known!).some(choosesSlots)) refuseCombination(name, "it evicts nothing.");
    return wrapParts(known!);
  });
}

/** "adaptive+snapkv", "adaptive+(snapkv>h2o)" */
export function wrappedName(wrapper: string, { name }: PolicyDefinition): string {
  return `${wrapper}+${name.includes(">") ? `(${name})` : name}`;
}
