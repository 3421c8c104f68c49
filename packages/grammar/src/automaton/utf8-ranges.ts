/** Ranges of bytes, one after the other: a sequence of bytes is in it when each byte is in its range. */
export type ByteRanges = readonly (readonly [low: number, high: number])[];

/** The UTF-8 forms of the code points from first to last, as few sequences of byte ranges as it takes. */
export function utf8Ranges(first: number, last: number): ByteRanges[] {
  for (const end of [0x7f, 0x7ff, 0xffff]) {
    if (first <= end && last > end) return [...utf8Ranges(first, end), ...utf8Ranges(end + 1, last)];
  }
  const low = utf8Bytes(first);
  const high = utf8Bytes(last);
  // Where the lower bytes do not run through all their values, the range is split where they do.
  for (let bytes = 1; bytes < low.length; bytes++) {
    const mask = 64 ** bytes - 1;
    if (first - (first % (mask + 1)) === last - (last % (mask + 1))) continue;
    const begin = first % (mask + 1);
    if (begin !== 0) {
      const middle = first - begin + mask;
      return [...utf8Ranges(first, middle), ...utf8Ranges(middle + 1, last)];
    }
    const rest = last % (mask + 1);
    if (rest !== mask) return [...utf8Ranges(first, last - rest - 1), ...utf8Ranges(last - rest, last)];
  }
  return [low.map((byte, i) => [byte, high[i]!] as const)];
}

function utf8Bytes(codePoint: number): number[] {
  if (codePoint <= 0x7f) return [codePoint];
  const tail = (shift: number) => 0x80 | (Math.floor(codePoint / 64 ** shift) % 64);
  if (codePoint <= 0x7ff) return [0xc0 | (codePoint >> 6), tail(0)];
  if (codePoint <= 0xffff) return [0xe0 | (codePoint >> 12), tail(1), tail(0)];
  return [0xf0 | (codePoint >> 18), tail(2), tail(1), tail(0)];
}
