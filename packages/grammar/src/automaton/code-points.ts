/** A set of Unicode code points: ranges [first, last], ascending, apart from each other, without surrogates. */
export type CodePoints = readonly (readonly [first: number, last: number])[];

export const LAST_CODE_POINT = 0x10ffff;

/** Every code point that UTF-8 can spell. */
export const everyCodePoint: CodePoints = [
  [0, 0xd7ff],
  [0xe000, LAST_CODE_POINT],
];

/** The set of all given ranges, in any order and overlapping. */
export function codePoints(ranges: Iterable<readonly [number, number]>): CodePoints {
  const sorted = Array.from(ranges, ([first, last]): [number, number] => [first, last])
    .flatMap(([first, last]) => withoutSurrogates(first, last))
    .sort((a, b) => a[0] - b[0]);
  const result: [number, number][] = [];
  for (const range of sorted) {
    const previous = result.at(-1);
    if (previous !== undefined && range[0] <= previous[1] + 1) previous[1] = Math.max(previous[1], range[1]);
    else result.push(range);
  }
  return result;
}

/** Every code point that is not in the set. */
export function otherCodePoints(set: CodePoints): CodePoints {
  const result: [number, number][] = [];
  let next = 0;
  for (const [first, last] of set) {
    if (first > next) result.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) result.push([next, LAST_CODE_POINT]);
  return codePoints(result);
}

/** The code points that are in both sets. */
export function common(a: CodePoints, b: CodePoints): CodePoints {
  const result: [number, number][] = [];
  for (const [first, last] of a) {
    for (const [low, high] of b) {
      if (Math.max(first, low) <= Math.min(last, high))
        result.push([Math.max(first, low), Math.min(last, high)]);
    }
  }
  return result;
}

function withoutSurrogates(first: number, last: number): [number, number][] {
  const result: [number, number][] = [];
  if (first <= 0xd7ff) result.push([first, Math.min(last, 0xd7ff)]);
  if (last >= 0xe000) result.push([Math.max(first, 0xe000), last]);
  return result.filter(([a, b]) => a <= b);
}
