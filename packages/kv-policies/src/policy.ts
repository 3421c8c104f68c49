import type { OptionsOf, PolicyParameters } from "./options.ts";
import type { AttentionSpec, Signal, SignalSet } from "./signals.ts";

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

/** A head's place and, where the policy allocates, its share of the budget (1 unless told). */
export interface HeadState {
  readonly layer: number;
  /** Logical tokens so far. */
  readonly seen: number;
  /** From {@link Policy.allocate}, `shares[layer * heads + head]`. */
  readonly share?: number;
}

export interface OverBudgetQuery extends HeadState {
  /** Slots in use. */
  readonly resident: number;
  /** "prefill": the prompt's end, or a chunk's with `prefill: "chunk"`. "decode": after a generated token. */
  readonly phase: "prefill" | "decode";
}

export interface SelectQuery extends HeadState {
  readonly head: number;
  /** Slots in use. */
  readonly resident: number;
  /** At least the policy's signals, one number per slot (`keys`, `values`: `headDim`). Not modified. */
  readonly signals: Partial<SignalSet>;
}

export interface AllocateQuery {
  readonly seen: number;
  /** The signals of a head, as for {@link Policy.select}. */
  readonly signals: (layer: number, head: number) => Partial<SignalSet>;
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
 * The *budget* of a head is the number of slots that an eviction leaves:
 * `min(seen, max(ceil(share * B), sinks + max(recent, 1), minTokens, pageTokens))`, where B is `ceil(budget * seen)` for
 * a fraction and `budget` for a number of tokens. In a protected layer it is `seen`.
 */
export interface Policy {
  readonly name: string;
  /** Name and all options as one string: equal exactly when two policies always keep the same slots. */
  readonly key: string;
  readonly options: OptionsOf<PolicyParameters>;
  /** The signals to collect. */
  readonly signals: readonly Signal[];
  /** How to collect attention signals. */
  readonly attention: AttentionSpec;
  /** With "cache", attention must see the first `sinks` slots directly before the slot that follows them. */
  readonly positions: "original" | "cache";
  /** Leading slots that are never evicted. */
  readonly sinks: number;
  /** False when nothing is ever evicted: `full`, or a budget of 1. Then nothing below needs to be called. */
  readonly evicts: boolean;
  /** True when {@link allocate} must be called before the first eviction and its shares passed from then on. */
  readonly allocates: boolean;

  /** The budget of a head, in slots. */
  budget(state: HeadState): number;

  /**
   * Whether a head should be evicted from now. In the "prefill" phase: when it has more than its budget. In the "decode"
   * phase: when it has a page more (`resident >= budget + pageTokens`), so that the cost is paid once per page.
   */
  overBudget(query: OverBudgetQuery): boolean;

  /**
   * The share of each head, `[layers, heads]`: those of unprotected heads have a mean of 1. All 1 for a policy that does
   * not allocate.
   * @throws PolicyError `INVALID_ALLOCATION`, `POLICY_FAILED`, `INVALID_CALL`
   */
  allocate(query: AllocateQuery): Float32Array;

  /**
   * The slots of a head to keep, strictly ascending: all of them where `resident` is within the budget, else exactly
   * the budget (a policy with a `select` of its own may keep fewer).
   * @throws PolicyError `INVALID_SCORES`, `INVALID_SELECTION`, `POLICY_FAILED`, `INVALID_CALL`
   */
  select(query: SelectQuery): Int32Array;

  /**
   * Upper bounds of a head's resident slots for a request, with T(n) for the budget at n tokens seen:
   *
   * - prefill: `prompt`; with `prefill: "chunk"`, `min(prompt, T(prompt) + chunk)`.
   * - decode: `min(T(prompt) + maxNew, T(prompt + maxNew) + pageTokens)`; with `decode: false`, `T(prompt) + maxNew`.
   *
   * They hold when `overBudget` is asked after every chunk (as `prefill` says) and after every generated token. Where
   * nothing is evicted, or a policy allocates and `share` is unknown, T(n) is n.
   */
  maximumResident(request: RequestSize): ResidentBound;
}
