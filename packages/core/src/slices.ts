/**
 * Cuts a list into parts whose loads add up to 1 at most, or that have one item with a load. What has none goes with
 * the item before it.
 *
 * @param load asked when the item's turn comes
 */
export function* slicesOf<T>(items: Iterable<T>, load: (item: T) => number): Generator<T[]> {
  let slice: T[] = [];
  let total = 0;
  for (const item of items) {
    const more = load(item);
    if (slice.length > 0 && more > 0 && total + more > 1) {
      yield slice;
      slice = [];
      total = 0;
    }
    slice.push(item);
    total += more;
  }
  if (slice.length > 0) yield slice;
}
