/** Three figures, and large numbers whole. */
export function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value === 0 ? "0" : value.toPrecision(3);
}
