/** What decides who is next. */
export type Waiting = {
  /** Lower goes first. */
  readonly priority: number;
  /** Counts up with every request; one that was preempted keeps its own. */
  readonly arrival: number;
  /** When it came, in milliseconds of the clock that `first` is asked by. */
  readonly submitted: number;
};

/** So many milliseconds of waiting make up for one level of priority: nobody waits for ever. */
const milliSecondsPerLevel = 10_000;

/** Requests that wait: by priority, which grows with waiting, then by arrival. */
export class WaitingLine<S extends Waiting> {
  /** By priority, each in order of arrival. */
  readonly #lines = new Map<number, S[]>();
  #length = 0;

  get length(): number {
    return this.#length;
  }

  add(one: S): void {
    const line = this.#lines.get(one.priority) ?? [];
    this.#lines.set(one.priority, line);
    const at = line.findLastIndex(({ arrival }) => arrival < one.arrival) + 1;
    line.splice(at, 0, one);
    this.#length += 1;
  }

  /** In the order in which they are to be admitted at a moment. */
  *inOrder(now: number): Generator<S> {
    const lines = [...this.#lines.values()].map((line) => ({ line, at: 0 }));
    const rank = ({ line, at }: (typeof lines)[number]) => {
      const { priority, submitted } = line[at]!;
      return priority - Math.floor((now - submitted) / milliSecondsPerLevel);
    };
    for (;;) {
      let best: (typeof lines)[number] | undefined;
      for (const one of lines) {
        if (one.at >= one.line.length) continue;
        if (!best || rank(one) < rank(best) || (rank(one) === rank(best) && isBefore(one, best))) best = one;
      }
      if (!best) return;
      const next = best.line[best.at]!;
      best.at += 1;
      yield next;
    }
  }

  /** Takes out those that are chosen. */
  remove(isChosen: (one: S) => boolean): S[] {
    const removed: S[] = [];
    for (const [priority, line] of this.#lines) {
      const kept = line.filter((one) => !isChosen(one));
      if (kept.length === line.length) continue;
      removed.push(...line.filter(isChosen));
      if (kept.length > 0) this.#lines.set(priority, kept);
      else this.#lines.delete(priority);
    }
    this.#length -= removed.length;
    return removed;
  }
}

const isBefore = <S extends Waiting>(a: { line: S[]; at: number }, b: { line: S[]; at: number }): boolean =>
  a.line[a.at]!.arrival < b.line[b.at]!.arrival;
