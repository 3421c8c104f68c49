/** What an engine with a prefix cache and preemption counts besides. Counts start with the engine. */
export type CacheStats = {
  /** Pages that only the prefix cache holds: free to whoever needs them. */
  readonly cachedPages: number;
  /** Pages of sequences. */
  readonly ownedPages: number;
  /** Prompt tokens of the requests that wait. */
  readonly waitingTokens: number;
  /** Prompt tokens that were looked up in the prefix cache, and those found. */
  readonly prefixQueryTokens: number;
  readonly prefixHitTokens: number;
  /** How often a sequence gave its pages to others, by what became of their contents. */
  readonly preemptions: Readonly<Record<PreemptionWay, number>>;
  /** Tokens computed again after preemptions. */
  readonly recomputedTokens: number;
  /** Bytes of preempted sequences in the process's memory, and in the spill file. */
  readonly hostBytes: number;
  readonly spillBytes: number;
  /** Slots evicted divided by the number of heads, by policy. */
  readonly evictedTokensByPolicy: Readonly<Record<string, number>>;
  readonly freedPagesByPolicy: Readonly<Record<string, number>>;
  /** `performance.now()` when the engine's loop last went round. */
  readonly lastTick: number;
};

/** Dropped and computed again, kept in the process's memory, or kept in a file. */
export type PreemptionWay = "recompute" | "host" | "file";
