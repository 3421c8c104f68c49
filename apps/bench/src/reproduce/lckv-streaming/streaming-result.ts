/** `standard`, or LCKV with so many warm-up layers. */
export const variants = ["standard", "w2", "w10"] as const;
export type Variant = (typeof variants)[number];

export const variantName: Readonly<Record<Variant, string>> = {
  standard: "StreamingLLM",
  w2: "LCKV w = 2 + StreamingLLM",
  w10: "LCKV w = 10 + StreamingLLM",
};

/** Decoding with a full cache of a size. */
export type LatencyResult = {
  readonly kind: "latency";
  readonly rows: readonly {
    readonly variant: Variant;
    /** Sinks and window. */
    readonly cache: number;
    /** Milliseconds a token, eviction included: the median of each repetition. */
    readonly ms: readonly number[];
    /** Bytes of the pages in use at their highest. */
    readonly kvBytes: number;
    readonly weightBytes: number;
  }[];
};

/** Nats a token of one long text, means over buckets of tokens in order. */
export type StreamResult = {
  readonly kind: "stream";
  /** Tokens of a bucket. */
  readonly bucket: number;
  readonly rows: readonly {
    readonly cache: number;
    readonly sinks: number;
    readonly losses: readonly number[];
  }[];
  /** With the full cache, which begins anew after so many tokens; over the first of those buckets. */
  readonly full: { readonly tokens: number; readonly losses: readonly number[] };
};

export type LckvStreamingResult = LatencyResult | StreamResult;

/** Figure 5 of Wu and Tu 2024 (arXiv 2405.10637), w = 10, by cache size; GPU and model sizes are theirs. */
export const publishedStreaming = {
  caches: [256, 512, 1024, 2048, 4096],
  /** Milliseconds a token of Llama 7B; the last two sizes' series are inferred from the drawing. */
  latency: { standard: [29.83, 30.5, 31.83, 40.15, 57.96], w10: [25.26, 25.72, 26.3, 31.61, 43.75] },
  /** GiB; 18.16 and 21.42 of the 7B model are inferred from the drawing. */
  memory: {
    "7B": { standard: [13.5, 13.97, 14.99, 18.16, 22.92], w10: [11.82, 11.99, 12.35, 13.48, 21.42] },
    "1.1B": { standard: [2.51, 2.52, 2.58, 2.63, 2.85], w10: [2.48, 2.49, 2.51, 2.53, 2.6] },
  },
} as const;
