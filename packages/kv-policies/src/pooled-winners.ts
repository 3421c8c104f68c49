/**
 * How many of the `total` highest numbers of all lists are in each list. What is equal at the border is divided in
 * proportion, so that counts need not be whole.
 *
 * @param sorted lists in ascending order, without NaN
 * @returns [lists], with a sum of `total`, or of all there are
 */
export function pooledWinners(sorted: readonly Float32Array[], total: number): number[] {
  const all = sorted.reduce((sum, { length }) => sum + length, 0);
  if (total >= all) return sorted.map(({ length }) => length);
  const atLeast = (value: number) => sorted.map((list) => list.length - firstAtLeast(list, value));
  const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
  // The highest number that at least `total` numbers reach, found bit by bit among all float32 in their order.
  let low = rankOf(Number.NEGATIVE_INFINITY);
  let high = rankOf(Number.POSITIVE_INFINITY);
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (sum(atLeast(floatOf(middle))) >= total) low = middle;
    else high = middle - 1;
  }
  const reaching = atLeast(floatOf(low));
  const above = low === rankOf(Number.POSITIVE_INFINITY) ? reaching.map(() => 0) : atLeast(floatOf(low + 1));
  const left = total - sum(above);
  const equal = sum(reaching) - sum(above);
  return above.map((count, i) => count + (equal > 0 ? (left * (reaching[i]! - count)) / equal : 0));
}

/** Index of the first number of an ascending list that is at least `value`. */
function firstAtLeast(list: Float32Array, value: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! >= value) high = middle;
    else low = middle + 1;
  }
  return low;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** A float32's place among all of them, 0..2^32 - 1, ascending with its value. */
function rankOf(value: number): number {
  float[0] = value;
  return (bits[0]! >>> 31 ? ~bits[0]! : bits[0]! | 0x80000000) >>> 0;
}

function floatOf(rank: number): number {
  bits[0] = rank >>> 31 ? rank ^ 0x80000000 : ~rank;
  return float[0]!;
}
