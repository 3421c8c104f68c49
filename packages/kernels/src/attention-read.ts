/**
 * The newest queries of one sequence in every layer that attends, as attention takes them (after rotary embedding),
 * in f32. Steps that name it fill it (`StepSequence.queries`): what it holds of a step's first position and later
 * ones is forgotten before. Of a cyclic group it keeps the queries of the last pass.
 */
export interface QueryWindow extends Disposable {
  /** Queries that it holds at most, 1 to 512. */
  readonly window: number;
  /** Bytes of its memory when full: of every attending layer query heads x headDim x window x 4, and the positions. */
  readonly bytes: number;
  dispose(): void;
}

/**
 * What the newest queries of a sequence say about the slots of one head. Queries are those of all layers that attend
 * to the KV layer and of the query heads that share the KV head: p[l, h, i, s] is the softmax of query i over the slots
 * that it sees: of those named, in slot order, all whose position is at most its own (below its own in a strict layer;
 * in the window of a layer that has one). Per slot s, with `reduce` over h, the mean over l, and the sum over the `window`
 * newest queries i before `position` (all, where there are fewer):
 *
 * - `sum`: of p. With a window of 1: what the newest query pays.
 * - `count`: of 1 where p is at least `threshold` / (slots that i sees in l), and 0 elsewhere.
 * - `expected`: not a sum over i. What a query of the next `future` positions is expected to pay, where queries go on
 *   to be distributed as these were (Expected Attention, arXiv 2510.00636): each is turned back by its position's
 *   rotation and then by the mean of the rotations of positions `position` .. `position + future - 1`, both without the
 *   rope's scale; m and v are the mean and the variance (divided by their number) over i of the scaled scores; softmax
 *   over all slots of m + v / 2, reduced over h, mean over l. Masks do not apply.
 */
export type AttentionRead = {
  readonly queries: QueryWindow;
  readonly kvLayer: number;
  readonly kvHead: number;
  /** Its table: pages, and slots in use. */
  readonly pages: Int32Array;
  readonly slots: number;
  /** Logical position that the sequence's next token will have, at least `slots`. */
  readonly position: number;
  /** As in `StepSequence`: so many first slots are seen as if turned forward by `position - slots`. */
  readonly sinks: number;
  readonly measure: "sum" | "count" | "expected";
  /** Newest queries to take, 1 to `queries.window`. */
  readonly window: number;
  readonly reduce: "mean" | "max" | "sum";
  /** For `count`; above 0, finite. */
  readonly threshold: number;
  /** For `expected`; 1 to 65536 positions. */
  readonly future: number;
};
