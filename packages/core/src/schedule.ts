/** What the scheduler needs to know of a running sequence. */
export type Schedulable = {
  /** It runs one token: the newest one, or one that is computed again by itself. */
  readonly decodes: boolean;
  /** Where it does not decode: tokens of its next chunk, whatever the step has room for; at least 1. */
  readonly chunk: number;
  /** Tokens of its prompt that are still to be computed, that chunk included. */
  readonly pending: number;
  /** A chunk of its prompt runs whole or not at all. */
  readonly wholeChunks: boolean;
};

export type Scheduled<S> = { readonly sequence: S; readonly rows: number };

/** Tokens of a step, each at least 1. */
export type StepLimits = {
  /** All of them. */
  readonly tokens: number;
  /** Those of prompts, where somebody decodes: what the time of a step has room for. */
  readonly promptTokens: number;
};

/**
 * Which sequences take part in the next step, with how many tokens each. Decoding sequences come first,
 * one token each, so that a long prompt never stalls a stream; prompts get the rest. Of that, half belongs to the first
 * prompt in line, which so never starves, and half to the others, those with least left first, so that
 * a short prompt does not wait for a long one; what one cannot use, the other gets. At least one sequence runs, whatever
 * the limits, and where somebody decodes the prompts get a token at least.
 *
 * `wholeChunks` is for sequences whose result depends on where the prompt is cut (cyclic layer maps, policies
 * that evict after every chunk): the cuts then do not depend on who else is running; the first prompt in line
 * may go over the limits rather than starve.
 *
 * @param running most urgent first, then in order of arrival
 */
export function schedule<S extends Schedulable>(running: readonly S[], limits: StepLimits): Scheduled<S>[] {
  const chosen: Scheduled<S>[] = [];
  for (const sequence of running) {
    if (sequence.decodes && chosen.length < limits.tokens) chosen.push({ sequence, rows: 1 });
  }
  const decoding = chosen.length;
  const prompts = running.filter(({ decodes }) => !decodes);
  if (prompts.length === 0) return chosen;
  const room = limits.tokens - decoding;
  const left = decoding > 0 ? Math.min(room, limits.promptTokens) : room;
  const [first, ...others] = prompts;
  const rows = new Map<S, number>();
  const take = (sequence: S, most: number): number => {
    const before = rows.get(sequence) ?? 0;
    const more = Math.min(sequence.chunk - before, most);
    if (more <= 0 || (sequence.wholeChunks && before + more < sequence.chunk)) return 0;
    rows.set(sequence, before + more);
    return more;
  };
  if (first!.wholeChunks) {
    rows.set(first!, first!.chunk);
  } else {
    take(first!, others.length > 0 ? Math.ceil(left / 2) : left);
  }
  let rest = left - (rows.get(first!) ?? 0);
  for (const sequence of [...others].sort((a, b) => a.pending - b.pending)) rest -= take(sequence, rest);
  if (!first!.wholeChunks) take(first!, rest);
  for (const sequence of prompts) {
    const taken = rows.get(sequence);
    if (taken !== undefined) chosen.push({ sequence, rows: taken });
  }
  return chosen;
}
