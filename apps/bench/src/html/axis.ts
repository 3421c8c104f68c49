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

/** Decades that an axis may span to have ticks within them, and ticks of one that spans more. */
const fineDecades = 3;
const coarseTicks = 8;

/**
 * A logarithmic axis between numbers that hold `low` and `high`: of 1, 2 and 5 in each decade where it spans about three
 * of them or fewer, of whole decades where it spans more. Needs `low` > 0.
 */
export function logAxis({ low, high, from, to }: Range): Axis {
  if (!(low > 0 && high >= low))
    throw new RangeError(`low: expected above 0 and up to high, received ${low}`);
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.max(first + 1, Math.ceil(Math.log10(high) - 1e-9));
  const decades = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const ticks = Math.log10(high / low) <= fineDecades ? fineTicks(decades, low, high) : coarse(decades);
  const [begin, end] = [Math.log10(ticks[0]!), Math.log10(ticks.at(-1)!)];
  return {
    ticks,
    place: (value) => from + clamp((Math.log10(value) - begin) / (end - begin)) * (to - from),
  };
}

/** Of 1, 2 and 5, the last up to `low` to the first from `high` on, two at least. */
function fineTicks(decades: readonly number[], low: number, high: number): readonly number[] {
  const all = decades.flatMap((decade) => [1, 2, 5].map((step) => Number(`${step}e${decade}`)));
  const first = all.findLastIndex((tick) => tick <= low * (1 + 1e-9));
  const last = Math.max(
    first + 1,
    all.findIndex((tick) => tick >= high * (1 - 1e-9)),
  );
  return all.slice(first, last + 1);
}

/** Decades, all or every second or third and so on, the last one beyond the data if it must be. */
function coarse(decades: readonly number[]): readonly number[] {
  const step = Math.ceil((decades.length - 1) / coarseTicks);
  const count = Math.ceil((decades.length - 1) / step) + 1;
  return Array.from({ length: count }, (_, i) => Number(`1e${decades[0]! + i * step}`));
}
