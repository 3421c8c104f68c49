import type { Sequence } from "./sequence.ts";

/**
 * Who is to give its pages to others: the least urgent, and among those whoever came last. So whoever came first among
 * the most urgent always gets on, and nobody's work is undone for ever.
 */
export function preemptedFirst(
  running: readonly Sequence[],
  mayGo: (sequence: Sequence) => boolean,
): Sequence | undefined {
  let last: Sequence | undefined;
  for (const one of running) {
    if (!one.pages || !mayGo(one)) continue;
    if (
      !last ||
      one.priority > last.priority ||
      (one.priority === last.priority && one.arrival > last.arrival)
    )
      last = one;
  }
  return last;
}
