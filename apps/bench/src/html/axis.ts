/** Places a number on an axis, and says where its ticks are. */
export interface Axis {
  readonly ticks: readonly number[];
  /** Pixels. What lies outside the axis is put at its end. */
  place(value: number): number;
}

type Range = { readonly low: number; readonly high: number; readonly from: number; readonly to: number };

const clamp = (share: number) => Math.min(1, Math.max(0, share));

/** An axis between round numbers that hold `low` and `high`, drawn from pixel `from` to pixel `to`. */
export function linearAxis({ low, high, from, to }: Range, count = 5): Axis {
  const rough = (high > low ? high - low : Math.abs(high) || 1) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough * 0.999)!;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(first + 1, Math.ceil(high / step - 1e-9));
  return {
    ticks: Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12))),
    place: (value) => from + clamp((value / step - first) / (last - first)) * (to - from),
  };
}

/** A logarithmic axis over whole decades, or over 1, 2 and 5 where it has two of them or fewer. Needs `low` > 0. */
export function logAxis({ low, high, from, to }: Range): Axis {
  if (!(low > 0 && high >= low))
    throw new RangeError(`low: expected above 0 and up to high, received ${low}`);
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const steps = decades.length <= 3 ? [1, 2, 5] : [1];
  const ticks = decades.flatMap((decade) => steps.map((step) => Number(`${step}e${decade}`)));
  return {
    ticks: ticks.filter((tick) => tick <= 10 ** last),
    place: (value) => from + clamp((Math.log10(value) - first) / (last - first)) * (to - from),
  };
}
