/** IEEE 754 binary16, given as its bits in a whole number. */

const value = new Float32Array(1);
const bits = new Uint32Array(value.buffer);

export function valueOfHalf(half: number): number {
  bits[0] = float32BitsOfHalf(half);
  return value[0]!;
}

/** The bits of the same value in f32. */
export function float32BitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal: its leading one moves to the place before the fraction.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** The bits of what is nearest to an f32 value; of two, the even one. Every NaN becomes 0x7e00. */
export function halfBits(float: number): number {
  value[0] = float;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const magnitude = bits[0]! & 0x7fffffff;
  if (magnitude > 0x7f800000) return 0x7e00;
  // From 65520 on, halfway to 2^16.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14 steps are 2^-24: adding 2^-1, whose f32 steps are just those, rounds to them.
  if (magnitude < 0x38800000) {
    value[0] = Math.abs(float) + 0.5;
    return sign | (bits[0]! - 0x3f000000);
  }
  const rounded = magnitude + 0xfff + ((magnitude >>> 13) & 1);
  return sign | ((rounded - 0x38000000) >>> 13);
}
