/** A copy of scores in which the last `count` slots outrank all others. @param count may be more than there are */
export function newestSafe(scores: Float32Array, count: number): Float32Array {
  return Float32Array.from(scores).fill(Number.POSITIVE_INFINITY, Math.max(0, scores.length - count));
}
