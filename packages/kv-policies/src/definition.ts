import { isAttention } from "./attention-spec.ts";
import { markDefinition, markOf } from "./definition-mark.ts";
import { type Fault, shapeFault } from "./definition-shape.ts";
import { PolicyError } from "./errors.ts";
import {
  COMMON_OPTIONS,
  type CommonOptions,
  ENGINE_OPTIONS,
  type OptionsOf,
  type PolicyParameters,
} from "./options.ts";
import { parameterFault } from "./parameter-values.ts";
import { type AttentionSpec, SIGNALS, type Signal, type SignalSet } from "./signals.ts";

/** "prefill": at a prompt's end, or a chunk's with `prefill: "chunk"`. "decode": after a generated token. */
export type Phase = "prefill" | "decode";

/** Where a head stands when its slots are chosen. */
export interface HeadContext {
  /** KV layer, 0..layers-1. */
  readonly layer: number;
  /** KV head, 0..heads-1. */
  readonly head: number;
  readonly layers: number;
  /** KV heads of a layer. */
  readonly heads: number;
  /** Slots in use before the eviction; more than `budget`, except for a policy that sizes itself. */
  readonly resident: number;
  /** Logical tokens so far. */
  readonly seen: number;
  /** Slots to keep, guarded ones included; for a policy that sizes itself, at most. */
  readonly budget: number;
  readonly pageTokens: number;
  readonly phase: Phase;
  /** What `profile` said of this head; 0 for a policy without one. */
  readonly profile: number;
}

/** The declared signals by name, where the head stands, and the options. The arrays must not be modified. */
export type ScoreContext<S extends Signal, P extends PolicyParameters> = HeadContext &
  SignalSet<S> & { readonly options: OptionsOf<P> };

/** What there is to know when a budget is divided, or heads are profiled: before anything is evicted. */
export interface AllocateContext<S extends Signal, P extends PolicyParameters> {
  readonly layers: number;
  readonly heads: number;
  readonly seen: number;
  /** Tokens that an equal division gives to each head. */
  readonly budget: number;
  readonly pageTokens: number;
  readonly options: OptionsOf<P>;
  /** Slots in use of one head. */
  resident(layer: number, head: number): number;
  /** What `profile` said of one head; 0 without one, and in `profile` itself. */
  profile(layer: number, head: number): number;
  /**
   * The declared signals of one head, read when asked for: await them layer by layer, head by head, and keep none, so
   * that no more than a head's need be in memory.
   */
  signals(layer: number, head: number): Promise<SignalSet<S>>;
}

export interface PolicySpec<S extends Signal, P extends PolicyParameters> {
  /** Lower-case words joined by hyphens; the name in options and on command lines. */
  readonly name: string;
  /** The signals that `score`, `allocate`, `profile` and `select` read. The engine collects these and no others. */
  readonly signals: readonly S[];
  /**
   * Those of them that only `allocate` and `profile` read: `score` and `select` do without, and no time is lost on them
   * at every eviction.
   */
  readonly signalsOnce?: readonly S[];
  /** Other defaults for the common options. Layers to protect that a model does not have are left out. */
  readonly defaults?: Partial<CommonOptions>;
  /** Options of the policy's own, with their ranges. */
  readonly parameters?: P;
  /**
   * Which positions attention sees: those of the text ("original", the default), or those inside the cache
   * ("cache"), where the sinks stand directly before the slots that follow them. With "cache" no attention signal can
   * be read while decoding.
   */
  readonly positions?: "original" | "cache";
  /**
   * With `select`: the policy decides how many slots a head keeps, and `budget` (1 unless told) is only a ceiling. It is
   * asked at the prompt's end and, while decoding, once per page of new slots.
   */
  readonly sizesItself?: boolean;
  /**
   * Whether `allocate` gives each head a share of its own ("head", the default), or all heads of a layer the same
   * ("layer"). Only the latter goes with `over: "layer"`.
   */
  readonly sharesBy?: "head" | "layer";
  /** How attention signals are measured; only for a policy that reads some. */
  attention?(options: OptionsOf<P>): Partial<AttentionSpec>;
  /**
   * Folds the values of evicted slots into those of similar survivors, where the cosine of their keys is at least
   * `threshold`, -1..1. Undefined: they are lost.
   */
  merge?(options: OptionsOf<P>): { readonly threshold: number } | undefined;
  /**
   * A number per resident slot: the highest are kept, ties go to the more recent. Infinite is allowed, NaN is not.
   * The guards are not its business: sinks and recent slots stay whatever their score.
   */
  score?(context: ScoreContext<S, P>): Float32Array;
  /**
   * A share of the budget per head, `[layers, heads]`, finite and at least 0. Shares are scaled so that those of
   * unprotected heads have a mean of 1; a head's budget is its share times the common one. Runs once, before the first
   * eviction: at the end of prefill, or of the first chunk with `prefill: "chunk"`.
   */
  allocate?(context: AllocateContext<S, P>): Float32Array | Promise<Float32Array>;
  /**
   * Any finite number per head, `[layers, heads]`: handed to `score` and `select` as `profile` from then on. Runs
   * once, before `allocate`. What kind of head it is (FastGen, DuoAttention).
   */
  profile?(context: AllocateContext<S, P>): Float32Array | Promise<Float32Array>;
  /**
   * Instead of `score`: the slots to keep, strictly ascending, the guarded ones included (the first `options.sinks`
   * and the last `max(options.recent, 1)`), at most `budget` of them and at least `minTokens` and a page.
   */
  select?(context: ScoreContext<S, P>): Int32Array;
}

/**
 * A policy that was checked by {@link definePolicy} or made by a wrapper: what `createPolicy` and the conformance suite
 * take. Which signals and parameters its functions read is no longer part of the type.
 */
export interface PolicyDefinition extends PolicySpec<Signal, PolicyParameters> {
  readonly positions: "original" | "cache";
  /** Its own; a combination takes those of its `parts`, too. */
  readonly parameters: PolicyParameters;
  readonly defaults: Partial<CommonOptions>;
  readonly sizesItself: boolean;
  readonly sharesBy: "head" | "layer";
  /** The policies that a combination is made of; none for any other. */
  readonly parts: readonly PolicyDefinition[];
  /** Of a combination: the parts whose signals `allocate` and `profile` read; all unless told. */
  readonly allocators?: readonly PolicyDefinition[];
  /** Of a combination that chooses slots in one way here and in another there: the part that does it here. */
  partAt?(place: { readonly layer: number; readonly phase: Phase }): PolicyDefinition;
  /** Of a combination that is made for a model: what it is for one with so many KV layers. */
  forLayers?(layers: number): PolicyDefinition;
}

/**
 * Defines an eviction policy: which signals it reads and which slots of a head it values. With neither `score` nor
 * `select` it keeps everything.
 * @throws PolicyError `INVALID_DEFINITION`
 */
export function definePolicy<const S extends Signal, const P extends PolicyParameters = Record<never, never>>(
  spec: PolicySpec<S, P>,
): PolicyDefinition {
  // A policy is only ever given the signals and parameters that it declares: createPolicy sees to it.
  const erased = spec as unknown as PolicySpec<Signal, PolicyParameters>;
  const fault = shapeFault(erased) ?? definitionFault(erased);
  if (fault) throw new PolicyError("INVALID_DEFINITION", String(erased?.name), fault.message, fault);
  return markDefinition({
    ...erased,
    positions: erased.positions ?? "original",
    defaults: erased.defaults ?? {},
    parameters: erased.parameters ?? {},
    sizesItself: erased.sizesItself ?? false,
    sharesBy: erased.sharesBy ?? "head",
    parts: [],
  });
}

/** Whether `definePolicy` or a wrapper made this, of this copy of the package or another that it understands. */
export function isPolicyDefinition(value: unknown): value is PolicyDefinition {
  return markOf(value) === "definition";
}

/** Says where a definition contradicts itself, or nothing. */
function definitionFault(spec: PolicySpec<Signal, PolicyParameters>): Fault | undefined {
  const fault = (field: string, message: string): Fault => ({ field, message: `${field}: ${message}` });
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(spec.name))
    return fault("name", "expected lower-case words joined by hyphens.");
  for (const signal of spec.signals) {
    if (!SIGNALS.includes(signal)) return fault("signals", `"${signal}" is none of ${SIGNALS.join(", ")}.`);
  }
  for (const signal of spec.signalsOnce ?? []) {
    if (!spec.signals.includes(signal)) return fault("signalsOnce", `"${signal}" is not among its signals.`);
    if (!spec.allocate && !spec.profile)
      return fault("signalsOnce", `there is neither allocate nor profile to read "${signal}".`);
  }
  if (!["original", "cache", undefined].includes(spec.positions))
    return fault("positions", 'expected "original" or "cache".');
  if (!["head", "layer", undefined].includes(spec.sharesBy))
    return fault("sharesBy", 'expected "head" or "layer".');
  if (spec.score && spec.select) return fault("select", "expected it or score, received both.");
  const evicts = spec.score !== undefined || spec.select !== undefined;
  for (const name of ["allocate", "profile"] as const) {
    if (spec[name] && !evicts) return fault(name, "there is neither score nor select to use it.");
  }
  if (spec.attention && !spec.signals.some(isAttention))
    return fault("attention", "there is no attention among its signals.");
  if (spec.sizesItself && !spec.select)
    return fault("sizesItself", "only a select can decide how many slots a head keeps.");
  for (const option of Object.keys(spec.defaults ?? {})) {
    if (!COMMON_OPTIONS.includes(option as keyof CommonOptions))
      return fault("defaults", `"${option}" is no common option.`);
  }
  for (const [name, parameter] of Object.entries(spec.parameters ?? {})) {
    if (COMMON_OPTIONS.includes(name as keyof CommonOptions))
      return fault("parameters", `"${name}" is a common option.`);
    if (!/^[a-z][a-zA-Z0-9]*$/.test(name) || name in {})
      return fault("parameters", `"${name}" is no name: expected letters and digits, like camelCase.`);
    if (ENGINE_OPTIONS.includes(name))
      return fault("parameters", `"${name}" is an option of engines, beside a policy's.`);
    const wrong = parameterFault(parameter);
    if (wrong) return fault("parameters", `"${name}": ${wrong}.`);
  }
  return undefined;
}
