/** What the scheduler needs to know of a running sequence. */
export type Schedulable = {
  /** Tokens that are not in the cache yet; at least 1. More than 1: the prompt is still being read. */
  readonly pending: number;
  /** A chunk of its prompt runs whole or not at all. */
  readonly wholeChunks: boolean;
};

export type Scheduled<S> = { readonly sequence: S; readonly rows: number };

/**
 * Which sequences take part in the next step, with how many tokens each. Decoding sequences come first,
 * one token each, so that a long prompt never stalls a stream; prompts share the rest in order of arrival,
 * so that each goes on as soon as there is room. At least one sequence runs, whatever the limits.
 *
 * `wholeChunks` is for sequences whose result depends on where the prompt is cut (cyclic layer maps, policies
 * that evict after every chunk): the cuts then do not depend on who else is running; the first prompt in line
 * may go over `stepTokens` rather than starve.
 *
 * @param running in order of arrival
 * @param stepTokens tokens of the step, at least 1
 * @param chunkTokens tokens of one prompt in the step, at least 1
 */
export function schedule<S extends Schedulable>(
  running: readonly S[],
  stepTokens: number,
  chunkTokens: number,
): Scheduled<S>[] {
  const chosen: Scheduled<S>[] = [];
  let left = stepTokens;
  for (const sequence of running) {
    if (sequence.pending > 1 || left === 0) continue;
    chosen.push({ sequence, rows: 1 });
    left -= 1;
  }
  let first = true;
  for (const sequence of running) {
    if (sequence.pending === 1) continue;
    const chunk = Math.min(sequence.pending, chunkTokens);
    const rows = sequence.wholeChunks && (first || chunk <= left) ? chunk : Math.min(chunk, left);
    if (rows <= 0 || (sequence.wholeChunks && rows < chunk)) break;
    chosen.push({ sequence, rows });
    left -= rows;
    first = false;
  }
  return chosen;
}
