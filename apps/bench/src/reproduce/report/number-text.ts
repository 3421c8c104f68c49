/** A measured number for people: four digits, and large ones whole. */
export function numberText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1000) return String(Math.round(value));
  return size > 0 && size < 1e-3 ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}
