/**
 * The number that stands at `index` once `values` are sorted, in linear time on average (quickselect, Hoare 1961). Needs
 * no NaN and 0 <= index < values.length, and leaves the values in another order.
 */
export function nthSmallest(values: Float32Array, index: number): number {
  let low = 0;
  let high = values.length - 1;
  // Parts halve, more or less; where they do not, whatever made them so does not get quadratic time.
  for (let rounds = 4 * Math.log2(values.length + 1); low < high && rounds > 0; rounds--) {
    const pivot = middleOf(values[low]!, values[(low + high) >>> 1]!, values[high]!);
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
      if (i > j) break;
      const swapped = values[i]!;
      values[i++] = values[j]!;
      values[j--] = swapped;
    }
    if (index <= j) high = j;
    else if (index >= i) low = i;
    else return values[index]!;
  }
  if (low < high) values.subarray(low, high + 1).sort();
  return values[index]!;
}

const middleOf = (a: number, b: number, c: number): number =>
  Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
