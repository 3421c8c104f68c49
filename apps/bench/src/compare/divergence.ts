/** How far the next-token distributions of two sides lie apart, in nats. */
export type Agreement = {
  /** Places that were compared, each over the whole vocabulary. */
  readonly places: number;
  readonly largestKl: number;
  readonly meanKl: number;
  /** Share of places at which both would choose the same token. */
  readonly sameChoice: number;
  /** What the largest may be. */
  readonly maxKl: number;
  readonly passed: boolean;
};

/**
 * Kullback-Leibler divergence of softmax(other) from softmax(reference), in nats: the sum of
 * `p * (log p - log q)`. NaN where a logit is.
 */
export function klDivergence(reference: Float32Array, other: Float32Array): number {
  if (reference.length !== other.length) {
    throw new RangeError(
      `expected as many logits on both sides, received ${reference.length} and ${other.length}`,
    );
  }
  const [p, q] = [logNormalizer(reference), logNormalizer(other)];
  let sum = 0;
  for (let i = 0; i < reference.length; i++) {
    const logP = reference[i]! - p;
    // A token that both rule out adds nothing.
    if (logP === -Infinity) continue;
    sum += Math.exp(logP) * (logP - (other[i]! - q));
  }
  // Rounding may leave a hair below zero.
  return Math.max(sum, 0);
}

function logNormalizer(logits: Float32Array): number {
  let largest = -Infinity;
  for (const logit of logits) {
    if (Number.isNaN(logit)) return Number.NaN;
    if (logit > largest) largest = logit;
  }
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

/** Compares row by row. A divergence that is not a number does not pass. */
export function agreementOf(
  reference: readonly Float32Array[],
  other: readonly Float32Array[],
  maxKl: number,
): Agreement {
  const divergences = reference.map((row, i) => klDivergence(row, other[i]!));
  const largestKl = divergences.reduce((a, b) => (Number.isNaN(a) || a > b ? a : b), 0);
  const same = reference.filter((row, i) => largestAt(row) === largestAt(other[i]!)).length;
  return {
    places: divergences.length,
    largestKl,
    meanKl: divergences.reduce((a, b) => a + b, 0) / divergences.length,
    sameChoice: same / divergences.length,
    maxKl,
    passed: largestKl <= maxKl,
  };
}

/** Where the largest of one number or more lies; the first of equals. */
export function largestAt(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > row[best]! ? i : best), 0);
}
