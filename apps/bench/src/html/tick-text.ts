const units = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** A number of an axis, short: `0.001`, `2,000` as it is, `20k`, `1.5M`. */
export function tickText(value: number): string {
  const size = Math.abs(value);
  const exact = (number: number) => String(Number(number.toPrecision(6)));
  if (size >= 1e12 || (size > 0 && size < 1e-4)) return value.toExponential().replace("e+", "e");
  const unit = size >= 1e4 ? units.find(([least]) => size >= least) : undefined;
  if (unit) return `${exact(value / unit[0])}${unit[1]}`;
  return size >= 1000 ? value.toLocaleString("en-US") : exact(value);
}

/** A share in per cent. */
export function percentText(share: number): string {
  return `${Math.round(100 * share)} %`;
}
