import {
  attentionFault,
  DEFAULT_ATTENTION,
  isAttention,
  relevantFields,
  windowOf,
} from "./attention-spec.ts";
import { choosesSlots, optionsOfPart, partAt } from "./combination.ts";
import type { Phase, PolicyDefinition } from "./definition.ts";
import { PolicyError } from "./errors.ts";
import type { OptionsOf, PolicyParameters } from "./options.ts";
import type { Needs, Place } from "./policy.ts";
import type { AttentionCollects, AttentionSpec, Signal } from "./signals.ts";

type Options = OptionsOf<PolicyParameters>;

/** What chooses slots at one place, with its options. */
export interface ActingPart {
  readonly definition: PolicyDefinition;
  readonly options: Options;
  /** False where nothing is evicted: it keeps everything, the layer is protected, or generated tokens all stay. */
  readonly evicts: boolean;
  /** What its `score` or `select` reads. */
  readonly own: Needs;
  /** That, and in the phase "prefill" what dividing the budget takes. */
  readonly needs: Needs;
  readonly merge: { readonly threshold: number } | undefined;
}

/** The acting part of every layer, for one phase each. */
export type ActingParts = { readonly [P in Phase]: readonly ActingPart[] };

const nothing: Needs = Object.freeze({ signals: [], attention: DEFAULT_ATTENTION });

/**
 * Finds out who acts where, what that takes, and that it goes together.
 * @throws PolicyError `INVALID_DEFINITION`
 */
export function actingParts(definition: PolicyDefinition, options: Options, layers: number): ActingParts {
  const at = (place: Place): ActingPart => {
    const part = partAt(definition, place);
    const own = optionsOfPart(part, options);
    const evicts =
      choosesSlots(part) &&
      (options.budget !== 1 || part.sizesItself) &&
      !options.protectLayers.includes(place.layer) &&
      (place.phase === "prefill" || options.decode);
    const acts = evicts ? [needsOf(part, own, part.signalsOnce)] : [];
    const divides =
      place.phase === "prefill" && allocates(definition)
        ? allocatingParts(definition, place).map((part) => needsOf(part, optionsOfPart(part, options)))
        : [];
    return {
      definition: part,
      options: own,
      evicts,
      own: acts[0] ?? nothing,
      needs: [...acts, ...divides].reduce((a, b) => joined(definition.name, a, b), nothing),
      merge: evicts ? mergeOf(part, own) : undefined,
    };
  };
  const everyLayer = (phase: Phase) => Array.from({ length: layers }, (_, layer) => at({ layer, phase }));
  return { prefill: everyLayer("prefill"), decode: everyLayer("decode") };
}

/** Whether something is settled for a request before its first eviction. */
export function allocates({ allocate, profile }: PolicyDefinition): boolean {
  return allocate !== undefined || profile !== undefined;
}

/** The parts whose signals of a layer are read when the budget is divided and heads are profiled. */
function allocatingParts(definition: PolicyDefinition, place: Place): readonly PolicyDefinition[] {
  const reading = definition.allocators ?? (definition.partAt && [definition.partAt(place)]);
  if (!reading) return [definition];
  return reading.flatMap((part) => allocatingParts(part, place));
}

/** Most newest queries that any of the needs goes by. */
export function windowOfNeeds(needs: readonly Needs[]): number {
  return Math.max(
    0,
    ...needs.flatMap(({ signals, attention }) => signals.map((s) => windowOf(s, attention))),
  );
}

/**
 * How attention is added up for all of them.
 * @throws PolicyError `INVALID_DEFINITION` where they want it in different ways
 */
export function collectsOfNeeds(policy: string, needs: readonly Needs[]): AttentionCollects | undefined {
  const collecting = needs
    .filter(({ signals }) => signals.includes("attentionSum"))
    .map(({ attention }) => ({ ...attention, over: DEFAULT_ATTENTION.over }))
    .map((attention): Needs => ({ signals: ["attentionSum"], attention }));
  if (collecting.length === 0) return undefined;
  const { reduce, noiseSeed, temperature } = collecting.reduce((a, b) => joined(policy, a, b)).attention;
  return { reduce, ...(noiseSeed !== undefined && { noiseSeed }), temperature };
}

function needsOf(part: PolicyDefinition, options: Options, without: readonly Signal[] = []): Needs {
  const attention: AttentionSpec = { ...DEFAULT_ATTENTION, ...part.attention?.(options) };
  const fault = attentionFault(attention);
  if (fault) throw new PolicyError("INVALID_DEFINITION", part.name, fault, { field: "attention" });
  return { signals: part.signals.filter((signal) => !without.includes(signal)), attention };
}

function mergeOf(part: PolicyDefinition, options: Options): { readonly threshold: number } | undefined {
  const merge = part.merge?.(options);
  if (merge === undefined || Math.abs(merge.threshold) <= 1) return merge;
  const message = `merge: threshold: expected a number in -1..1, received ${String(merge.threshold)}.`;
  throw new PolicyError("INVALID_DEFINITION", part.name, message, { field: "merge" });
}

/** Both needs at once: each field of the attention from the one that it matters to. */
function joined(policy: string, a: Needs, b: Needs): Needs {
  const signals: Signal[] = [...new Set([...a.signals, ...b.signals])];
  const attention: Record<string, unknown> = { ...a.attention };
  const matters = relevantFields(a.signals);
  for (const field of relevantFields(b.signals)) {
    if (matters.has(field) && String(a.attention[field]) !== String(b.attention[field])) {
      const [one, other] = [a, b].map(({ signals, attention }) => {
        return `${String(attention[field])} for ${signals.filter(isAttention).join(", ")}`;
      });
      const message = `attention: its parts measure it in different ways at once: ${field} is ${one} and ${other}.`;
      throw new PolicyError("INVALID_DEFINITION", policy, message, { field: "attention" });
    }
    attention[field] = b.attention[field];
  }
  return { signals, attention: attention as unknown as AttentionSpec };
}
