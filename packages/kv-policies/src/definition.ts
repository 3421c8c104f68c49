import { PolicyError } from "./errors.ts";
import { COMMON_OPTIONS, type CommonOptions, type OptionsOf, type PolicyParameters } from "./options.ts";
import { type AttentionSpec, SIGNALS, type Signal, type SignalSet } from "./signals.ts";

/** Where a head stands when its slots are chosen. */
export interface HeadContext {
  /** KV layer, 0..layers-1. */
  readonly layer: number;
  /** KV head, 0..heads-1. */
  readonly head: number;
  readonly layers: number;
  /** KV heads of a layer. */
  readonly heads: number;
  /** Slots in use before the eviction; more than `budget`. */
  readonly resident: number;
  /** Logical tokens so far. */
  readonly seen: number;
  /** Slots to keep, guarded ones included. */
  readonly budget: number;
  readonly pageTokens: number;
}

/** The declared signals by name, where the head stands, and the options. The arrays must not be modified. */
export type ScoreContext<S extends Signal, P extends PolicyParameters> = HeadContext &
  SignalSet<S> & { readonly options: OptionsOf<P> };

/** What there is to know when a budget is divided. */
export interface AllocateContext<S extends Signal, P extends PolicyParameters> {
  readonly layers: number;
  readonly heads: number;
  readonly seen: number;
  /** Tokens that an equal division gives to each head. */
  readonly budget: number;
  readonly pageTokens: number;
  readonly options: OptionsOf<P>;
  /** The declared signals of one head. */
  signals(layer: number, head: number): SignalSet<S>;
}

export interface PolicySpec<S extends Signal, P extends PolicyParameters> {
  /** Lower-case words joined by hyphens; the name in options and on command lines. */
  readonly name: string;
  /** The signals that `score`, `allocate` and `select` read. The engine collects these and no others. */
  readonly signals: readonly S[];
  /** Other defaults for the common options. Layers to protect that a model does not have are left out. */
  readonly defaults?: Partial<CommonOptions>;
  /** Options of the policy's own, with their ranges. */
  readonly parameters?: P;
  /**
   * Which positions attention sees: those of the text ("original", the default), or those inside the cache
   * ("cache"), where the sinks stand directly before the slots that follow them.
   */
  readonly positions?: "original" | "cache";
  /** How attention signals are collected; only for a policy that reads some. */
  attention?(options: OptionsOf<P>): Partial<AttentionSpec>;
  /**
   * A number per resident slot: the highest are kept, ties go to the more recent. Infinite is allowed, NaN is not.
   * The guards are not its business: sinks and recent slots stay whatever their score.
   */
  score?(context: ScoreContext<S, P>): Float32Array;
  /**
   * A share of the budget per head, `[layers, heads]`, at least 0. Shares are scaled so that those of unprotected
   * heads have a mean of 1; a head's budget is its share times the common one. Runs once, at the first
   * eviction: the end of prefill, or of the first chunk with `prefill: "chunk"`.
   */
  allocate?(context: AllocateContext<S, P>): Float32Array;
  /**
   * Instead of `score`: the slots to keep, strictly ascending, the guarded ones included (the first `options.sinks`
   * and the last `options.recent`), at most `budget` of them.
   */
  select?(context: ScoreContext<S, P>): Int32Array;
}

/**
 * A policy that was checked by {@link definePolicy}: what `createPolicy` and the conformance suite take. Which signals
 * and parameters its functions read is no longer part of the type.
 */
export interface PolicyDefinition extends PolicySpec<Signal, PolicyParameters> {
  readonly positions: "original" | "cache";
  readonly parameters: PolicyParameters;
  readonly defaults: Partial<CommonOptions>;
}

/**
 * Defines an eviction policy: which signals it reads and which slots of a head it values. With neither `score` nor
 * `select` it keeps everything.
 * @throws PolicyError `INVALID_DEFINITION`
 */
export function definePolicy<const S extends Signal, const P extends PolicyParameters = Record<never, never>>(
  spec: PolicySpec<S, P>,
): PolicyDefinition {
  const refuse = (message: string, field: string) => {
    throw new PolicyError("INVALID_DEFINITION", String(spec.name), message, { field });
  };
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(spec.name))
    refuse("name: expected lower-case words joined by hyphens.", "name");
  for (const signal of spec.signals) {
    if (!SIGNALS.includes(signal))
      refuse(`signals: "${signal}" is none of ${SIGNALS.join(", ")}.`, "signals");
  }
  if (spec.score && spec.select) refuse("score and select: expected one of them, received both.", "select");
  const evicts = spec.score !== undefined || spec.select !== undefined;
  if (spec.allocate && !evicts) refuse("allocate: there is neither score nor select to use it.", "allocate");
  for (const option of Object.keys(spec.defaults ?? {})) {
    if (!COMMON_OPTIONS.includes(option as keyof CommonOptions))
      refuse(`defaults: "${option}" is no common option.`, "defaults");
  }
  for (const [name, parameter] of Object.entries(spec.parameters ?? {})) {
    if (COMMON_OPTIONS.includes(name as keyof CommonOptions))
      refuse(`parameters: "${name}" is a common option.`, "parameters");
    if (parameter.type === "boolean") continue;
    const { minimum, maximum, default: value } = parameter;
    if (!(minimum <= value && value <= maximum))
      refuse(`parameters: the default of "${name}" is not in ${minimum}..${maximum}.`, "parameters");
  }
  // A policy is only ever given the signals and parameters that it declares: createPolicy sees to it.
  const erased = spec as unknown as PolicySpec<Signal, PolicyParameters>;
  const { positions = "original", defaults = {}, parameters = {} } = erased;
  return Object.freeze({ ...erased, positions, defaults, parameters });
}
