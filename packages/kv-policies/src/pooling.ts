/** How neighbours are combined by {@link pooled}. */
export type Pooling = "avg" | "max";

/**
 * One-dimensional pooling with stride 1: number i becomes the mean or the highest of the `kernel` numbers that begin
 * `floor(kernel / 2)` before it. Beyond the ends there are zeros for a mean, and nothing for the highest (the padding of
 * SnapKV's code).
 *
 * @param kernel a whole number of at least 1; 1 changes nothing
 * @returns as many numbers as there are values
 */
export function pooled(values: Float32Array, kernel: number, pooling: Pooling): Float32Array {
  return values.map((_, i) => {
    const first = i - Math.floor(kernel / 2);
    const end = Math.min(first + kernel, values.length);
    let sum = 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (let j = Math.max(first, 0); j < end; j++) {
      sum += values[j]!;
      highest = Math.max(highest, values[j]!);
    }
    return pooling === "avg" ? sum / kernel : highest;
  });
}
