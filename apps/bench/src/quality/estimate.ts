/** A number with its 95 % confidence interval, and from how many samples it comes. */
export type Estimate = {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
};

/** The 97.5 % quantile of the standard normal distribution. */
const z = 1.959963984540054;

/**
 * The 97.5 % quantile of Student's t distribution, within 1e-3 of it: exact for 1 and 2 degrees of freedom, then
 * G. W. Hill's expansion (Algorithm 396, Communications of the ACM, 1970).
 */
export function tQuantile(degrees: number): number {
  if (!(Number.isInteger(degrees) && degrees >= 1)) {
    throw new RangeError(`degrees: expected a whole number from 1, received ${degrees}`);
  }
  const tails = 0.05;
  if (degrees === 1) return 1 / Math.tan((tails * Math.PI) / 2);
  if (degrees === 2) return Math.sqrt(2 / (tails * (2 - tails)) - 2);
  const a = 1 / (degrees - 0.5);
  const b = (48 / a) * (1 / a);
  let c = ((20700 * a) / b - 98) * a - 16 + 96.36;
  const d = ((94.5 / (b + c) - 3) / b + 1) * Math.sqrt((a * Math.PI) / 2) * degrees;
  let y = (d * tails) ** (2 / degrees);
  if (y > 0.05 + a) {
    const x = -z;
    y = x * x;
    if (degrees < 5) c += 0.3 * (degrees - 4.5) * (x + 0.6);
    c += (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b;
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x;
    y = Math.expm1(a * y * y);
  } else {
    const inner = (degrees + 6) / (degrees * y) - 0.089 * d - 0.822;
    y =
      ((1 / (inner * (degrees + 2) * 3) + 0.5 / (degrees + 4)) * y - 1) * ((degrees + 1) / (degrees + 2)) +
      1 / y;
  }
  return Math.sqrt(degrees * y);
}

/** The mean of samples that do not depend on each other, with Student's t interval. One sample bounds nothing. */
export function meanOf(samples: readonly number[]): Estimate {
  const n = samples.length;
  if (n === 0) throw new RangeError("samples: expected one or more, received none");
  const value = samples.reduce((sum, sample) => sum + sample, 0) / n;
  if (n === 1) return { value, low: -Infinity, high: Infinity, n };
  const squares = samples.reduce((sum, sample) => sum + (sample - value) ** 2, 0);
  const half = tQuantile(n - 1) * Math.sqrt(squares / (n - 1) / n);
  return { value, low: value - half, high: value + half, n };
}

/** The share of `found` in `n` trials, with Wilson's score interval (1927). */
export function shareOf(found: number, n: number): Estimate {
  if (!(n >= 1 && found >= 0 && found <= n)) {
    throw new RangeError(`found: expected 0 to n of 1 or more, received ${found} of ${n}`);
  }
  const value = found / n;
  const centre = (value + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z / (1 + (z * z) / n)) * Math.sqrt((value * (1 - value)) / n + (z * z) / (4 * n * n));
  return {
    value,
    low: found === 0 ? 0 : Math.max(0, centre - half),
    high: found === n ? 1 : Math.min(1, centre + half),
    n,
  };
}
