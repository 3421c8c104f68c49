/** What the scheduler needs to know of a running sequence. */
export type Schedulable = {
  /** Tokens that are not in the cache yet; at least 1. More than 1: the prompt is still being read. */
  readonly pending: number;
};

export type Scheduled<S> = { readonly sequence: S; readonly rows: number };

/**
 * Which sequences take part in the next step, with how many tokens each. Decoding sequences come first,
 * one token each, so that a long prompt never stalls a stream; prompts share the rest in order of arrival,
 * so that each goes on as soon as there is room. At least one sequence runs, whatever the limits.
 *
 * `wholeChunks` is for models whose result depends on where a prompt is cut (cyclic layer maps): a chunk
 * then runs whole or not at all, so that the cuts do not depend on who else is running; the first prompt
 * in line may go over `stepTokens` rather than starve.
 *
 * @param running in order of arrival
 * @param stepTokens tokens of the step, at least 1
 * @param chunkTokens tokens of one prompt in the step, at least 1
 */
export function schedule<S extends Schedulable>(
  running: readonly S[],
  stepTokens: number,
  chunkTokens: number,
  wholeChunks = false,
): Scheduled<S>[] {
  const chosen: Scheduled<S>[] = [];
  let left = stepTokens;
  for (const decoding of [true, false]) {
    for (const sequence of running) {
      if ((sequence.pending === 1) !== decoding) continue;
      const chunk = Math.min(sequence.pending, chunkTokens);
      const starves = wholeChunks && !decoding && !chosen.some(({ rows }) => rows > 1);
      if (left <= 0 && !starves) return chosen;
      if (wholeChunks && chunk > left && !starves) return chosen;
      const rows = wholeChunks ? chunk : Math.min(chunk, left);
      chosen.push({ sequence, rows });
      left -= rows;
    }
  }
  return chosen;
}
