/** The most pages that a sequence holds at once, nothing of it being shared. */
export type PageBounds = {
  /** Until the eviction at the end of its prompt. */
  readonly prefill: number;
  /** From then on. */
  readonly decode: number;
};
