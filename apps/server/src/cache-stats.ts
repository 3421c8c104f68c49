/** What an engine counts that keeps pages of preempted requests. */
export type CacheStats = {
  /** Bytes in the process's memory, and in the spill file. */
  readonly hostBytes: number;
  readonly spillBytes: number;
};
