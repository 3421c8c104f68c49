/**
 * The values of several iterations as they come, each with its iteration's number; one value ahead at most is asked of
 * each. One that throws ends all.
 */
export async function* interleave<T>(
  sources: readonly AsyncIterable<T>[],
): AsyncGenerator<{ readonly index: number; readonly value: T }, void> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]());
  const ready: (() => { readonly index: number; readonly result: IteratorResult<T, unknown> })[] = [];
  let wake = () => {};
  const ask = (index: number) => {
    const add = (outcome: (typeof ready)[number]) => {
      ready.push(outcome);
      wake();
    };
    iterators[index]!.next().then(
      (result) => add(() => ({ index, result })),
      (error: unknown) =>
        add(() => {
          throw error;
        }),
    );
  };
  try {
    iterators.forEach((_, index) => {
      ask(index);
    });
    let left = iterators.length;
    while (left > 0) {
      if (ready.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const { index, result } = ready.shift()!();
      if (result.done) {
        left -= 1;
      } else {
        ask(index);
        yield { index, value: result.value };
      }
    }
  } finally {
    // Whoever waits inside is ended by the request's signal; nobody waits for that here.
    for (const iterator of iterators) iterator.return?.().catch(() => {});
  }
}
