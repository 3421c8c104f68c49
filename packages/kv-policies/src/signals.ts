/**
 * What a policy may learn about the slots of one head. Each is a Float32Array in slot order (oldest first) with one
 * number per resident slot; `keys` and `values` have `headDim` numbers per slot, `[resident, headDim]`.
 *
 * | signal | of a slot |
 * |---|---|
 * | `position` | the token's original position in the sequence (exact up to 2^24) |
 * | `keyNorm` | L2 norm of the key; rotary embedding does not change it |
 * | `valueNorm` | L2 norm of the value |
 * | `attentionSum` | attention probability received, summed over all queries since the slot was written (H2O) |
 * | `attentionRecent` | the same over the last `attention.window` queries (SnapKV) |
 * | `attentionLast` | attention probability received from the newest query (TOVA) |
 * | `attentionCount` | number of queries that could see the slot: divide `attentionSum` by it to undo the bias for old tokens |
 * | `attentionEntropy` | entropy, in nats, of the attention that the slot's own token paid when it was the query |
 * | `keys`, `values` | the vectors themselves, dequantised; keys after rotary embedding |
 *
 * Attention signals are reduced over the query heads that share the KV head: see {@link AttentionSpec}.
 */
export const SIGNALS = [
  "position",
  "keyNorm",
  "valueNorm",
  "attentionSum",
  "attentionRecent",
  "attentionLast",
  "attentionCount",
  "attentionEntropy",
  "keys",
  "values",
] as const;

export type Signal = (typeof SIGNALS)[number];

/** The signals of one head, by name. */
export type SignalSet<S extends Signal = Signal> = { readonly [K in S]: Float32Array };

/** How the engine collects attention signals for a policy. */
export interface AttentionSpec {
  /** Newest queries that `attentionRecent` sums over; 32 unless the policy says otherwise. */
  readonly window: number;
  /** How query heads are combined: "mean" unless the policy says otherwise. */
  readonly reduce: "mean" | "max" | "sum";
  /** Which query heads: those of the KV head ("group", the default) or all of the layer ("layer", as in TOVA). */
  readonly over: "group" | "layer";
}
