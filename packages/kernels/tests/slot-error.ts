/**
 * The largest error of a slot relative to what it should be, or to a millionth of the largest where it is less than
 * that: f32 holds nothing of shares far below.
 */
export function slotError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (actual.length !== expected.length) return Infinity;
  const least = 1e-6 * Math.max(0, ...Array.from(expected, Math.abs));
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    const error = difference === 0 ? 0 : difference / Math.max(Math.abs(expected[i]!), least);
    if (!(error <= largest)) largest = error; // NaN stays
  }
  return largest;
}
