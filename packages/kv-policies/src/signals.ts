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
 * | `attentionCount` | how many of the last `attention.window` queries paid at least `attention.threshold` times an equal share (Scissorhands) |
 * | `attentionExpected` | what a query of the next `attention.future` positions is expected to pay (Expected Attention) |
 * | `keys`, `values` | the vectors themselves, dequantised; keys after rotary embedding |
 *
 * Attention signals are reduced over the query heads that share the KV head: see {@link AttentionSpec}. How many
 * queries could see a slot needs no signal: it is `seen - position`.
 */
export const SIGNALS = [
  "position",
  "keyNorm",
  "valueNorm",
  "attentionSum",
  "attentionRecent",
  "attentionLast",
  "attentionCount",
  "attentionExpected",
  "keys",
  "values",
] as const;

export type Signal = (typeof SIGNALS)[number];

/** The signals of one head, by name. */
export type SignalSet<S extends Signal = Signal> = { readonly [K in S]: Float32Array };

/** How attention signals are measured for a policy. Nothing in it touches the attention that the model computes. */
export interface AttentionSpec {
  /** Newest queries that `attentionRecent`, `attentionCount` and `attentionExpected` go by, 1..512; 32 unless told. */
  readonly window: number;
  /** How the query heads that share a KV head are combined; "mean" unless told. */
  readonly reduce: "mean" | "max" | "sum";
  /**
   * "group" (the default): each KV head has its own numbers. "layer": those are averaged over all KV heads of the
   * layer, slot by slot (TOVA, PyramidInfer), so that the heads of a layer keep the same slots.
   */
  readonly over: "group" | "layer";
  /** For `attentionCount`: a multiple of an equal share of the slots seen, above 0; 1 unless told. */
  readonly threshold: number;
  /** For `attentionExpected`: positions ahead, 1..65536; 512 unless told. */
  readonly future: number;
  /** For `attentionSum`: adds Gumbel noise of this seed to the scores (Keyformer), 0..2^32 - 1; none unless told. */
  readonly noiseSeed?: number;
  /**
   * For `attentionSum`: what scores are divided by, 1e-6..1e6: in the prompt, and at the last token generated, linear
   * between; [1, 1] unless told.
   */
  readonly temperature: readonly [number, number];
}

/** How attention is added up for `attentionSum`: the part of {@link AttentionSpec} that says so. */
export type AttentionCollects = Pick<AttentionSpec, "reduce" | "noiseSeed" | "temperature">;
