import type { Phase } from "./definition.ts";
import type { OptionsOf, PolicyParameters } from "./options.ts";
import type { AttentionCollects, AttentionSpec, Signal, SignalSet } from "./signals.ts";

/** What a policy must know of the model and the engine that it serves. */
export interface PolicyEnvironment {
  /** KV layers of the model (not decoder layers). */
  readonly layers: number;
  /** KV heads of a layer. */
  readonly heads: number;
  /** Slots of a page. */
  readonly pageTokens: number;
  /** The signals that the engine can supply. */
  readonly signals: readonly Signal[];
}

/** Where slots are chosen. */
export interface Place {
  readonly layer: number;
  readonly phase: Phase;
}

/** What is read to choose slots at a place. */
export interface Needs {
  readonly signals: readonly Signal[];
  /** How to measure those of them that are about attention. */
  readonly attention: AttentionSpec;
}

/** A head's place and, where the policy allocates, what came of it. */
export interface HeadState {
  readonly layer: number;
  /** Logical tokens so far. */
  readonly seen: number;
  /** From {@link Policy.allocate}, `shares[layer * heads + head]`; 1 unless told. */
  readonly share?: number;
  /** From {@link Policy.allocate}, `profile[layer * heads + head]`; 0 unless told. */
  readonly profile?: number;
}

export interface OverBudgetQuery extends HeadState {
  readonly head: number;
  /** Slots in use. */
  readonly resident: number;
  readonly phase: Phase;
  /** Slots that the last eviction of this head left, all of them included; absent before the first. */
  readonly kept?: number;
}

export interface SelectQuery extends HeadState {
  readonly head: number;
  /** Slots in use. */
  readonly resident: number;
  readonly phase: Phase;
  /** At least what {@link Policy.needs} names, one number per slot (`keys`, `values`: `headDim`). Not modified. */
  readonly signals: Partial<SignalSet>;
}

export interface AllocateQuery {
  readonly seen: number;
  /** Slots in use of a head. */
  readonly resident: (layer: number, head: number) => number;
  /** Reads the signals of a head: those of {@link Policy.needs} in the phase "prefill". */
  readonly signals: (layer: number, head: number) => Promise<Partial<SignalSet>>;
}

/** What is settled once for a request, `[layers, heads]` each. */
export interface Allocation {
  /** Those of unprotected heads have a mean of 1; all 1 for a policy that does not divide its budget. */
  readonly shares: Float32Array;
  /** All 0 for a policy that does not profile heads. */
  readonly profile: Float32Array;
}

export interface RequestSize {
  readonly layer: number;
  /** Prompt tokens, shared prefix included. */
  readonly prompt: number;
  /** Tokens that may be generated. */
  readonly maxNew: number;
  /** Most tokens of a prompt chunk; the whole prompt unless told. */
  readonly chunk?: number;
  /** As in {@link HeadState}; unknown unless told where the policy allocates. */
  readonly share?: number;
}

/** Upper bounds of the slots of one head. */
export interface ResidentBound {
  /** Until the eviction at the end of the prompt. */
  readonly prefill: number;
  /** From then on, up to and including the last generated token. */
  readonly decode: number;
}

/**
 * A policy with checked options, bound to one model: what an engine calls. It holds no state of a request, so one
 * serves any number of them.
 *
 * The *budget* of a head is the number of slots that an eviction leaves (a policy that sizes itself: leaves at most):
 * `min(seen, max(ceil(share * B), sinks + max(recent, 1), minTokens, pageTokens))`, where B is `ceil(budget * seen)` for
 * a fraction and `budget` for a number of tokens. In a layer that is never evicted from it is `seen`.
 */
export interface Policy {
  readonly name: string;
  /** Name and all options as one string: equal exactly when two policies always keep the same slots. */
  readonly key: string;
  readonly options: OptionsOf<PolicyParameters>;
  /** All signals that {@link needs} names anywhere. */
  readonly signals: readonly Signal[];
  /** Most newest queries of a sequence that any of its needs goes by: 0 for none, 1 for `attentionLast` alone. */
  readonly window: number;
  /** How attention is to be added up in every step of a sequence; undefined where nothing reads `attentionSum`. */
  readonly collects: AttentionCollects | undefined;
  /** With "cache", attention must see the first `sinks` slots directly before the slot that follows them. */
  readonly positions: "original" | "cache";
  /** Leading slots that are never evicted. */
  readonly sinks: number;
  /** False when nothing is ever evicted: `full`, or a budget of 1. Then nothing below needs to be called. */
  readonly evicts: boolean;
  /** True when {@link allocate} must be called before the first eviction and what it returns passed from then on. */
  readonly allocates: boolean;

  /**
   * What is read of a layer's heads in a phase; in the phase "prefill" for {@link allocate}, too. Nothing where
   * nothing is evicted. @throws PolicyError `INVALID_CALL`
   */
  needs(place: Place): Needs;

  /**
   * All signals that {@link needs} names in a phase. Where those of "decode" are without attention, queries and sums
   * need not be kept beyond the prompt.
   */
  signalsIn(phase: Phase): readonly Signal[];

  /**
   * Whether the values of what is evicted there are folded into similar survivors, and how similar their keys must be
   * (cosine, -1..1). @throws PolicyError `INVALID_CALL`
   */
  mergeAt(place: Place): { readonly threshold: number } | undefined;

  /** The budget of a head, in slots. */
  budget(state: HeadState): number;

  /**
   * Whether a head should be evicted from now.
   *
   * "prefill": when it has more than its budget; always, for a policy that sizes itself.
   *
   * "decode": heads take turns, so that each is looked at once per page of new slots and no step evicts from more than
   * about 1/pageTokens of them: when `(seen + turn) % pageTokens` is 0, where turn is `layer * heads + head`
   * (`layer` with `over: "layer"`, whose heads go together), a head is due that has more than its budget; for a policy that
   * sizes itself also one that was never evicted from, or has a page more than `kept`. Ask after every token.
   */
  overBudget(query: OverBudgetQuery): boolean;

  /**
   * Divides the budget and profiles the heads. A failure of `query.signals` comes back as it was.
   * @throws PolicyError `INVALID_ALLOCATION`, `INVALID_PROFILE`, `POLICY_FAILED`, `INVALID_CALL`
   */
  allocate(query: AllocateQuery): Promise<Allocation>;

  /**
   * The slots of a head to keep, strictly ascending: all of them where `resident` is within the budget or the policy does
   * not evict there, else exactly the budget (a policy with a `select` of its own may keep fewer).
   * @throws PolicyError `INVALID_SCORES`, `INVALID_SELECTION`, `POLICY_FAILED`, `INVALID_CALL`
   */
  select(query: SelectQuery): Int32Array;

  /**
   * Upper bounds of a head's resident slots for a request, with T(n) for the budget at n tokens seen:
   *
   * - prefill: `prompt`; with `prefill: "chunk"`, `min(prompt, T(prompt) + chunk)`.
   * - decode: `min(T(prompt) + maxNew, T(prompt + maxNew) + pageTokens)`; with `decode: false`, `T(prompt) + maxNew`.
   *   Where prompts are not evicted from, `min(prompt + maxNew, max(prompt, T(prompt + maxNew)) + pageTokens)`.
   *
   * They hold when `overBudget` is asked after every chunk (as `prefill` says) and after every generated token. Where
   * nothing is evicted, or a policy allocates and `share` is unknown, T(n) is n.
   */
  maximumResident(request: RequestSize): ResidentBound;
}
