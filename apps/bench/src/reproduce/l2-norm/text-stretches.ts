/** Samples of one part: one of `groups` that have none in common. */
export type TextGroup = {
  readonly group: number;
  readonly groups: number;
};

export type StretchOptions = TextGroup & {
  /** Stretches of one group. */
  readonly count: number;
  /** Tokens of each. */
  readonly length: number;
  /** Tokens at the end of each that must be in no other one of any group; 0: stretches may overlap as they like. */
  readonly apart: number;
};

/**
 * Stretches of a text at even distances from its start to its end, every `groups`-th of them, so that each group is spread
 * over all of it. They overlap where the text is short. Throws `RangeError` where it is too short even for that.
 */
export function textStretches(
  ids: Int32Array,
  { group, groups, count, length, apart }: StretchOptions,
): Int32Array[] {
  const between = groups * count - 1;
  const needed = length + between * apart;
  if (ids.length < needed) {
    throw new RangeError(`text: expected at least ${needed} tokens, received ${ids.length}`);
  }
  const distance = between === 0 ? 0 : (ids.length - length) / between;
  return Array.from({ length: count }, (_, i) => {
    const at = Math.floor((i * groups + group) * distance);
    return ids.slice(at, at + length);
  });
}
