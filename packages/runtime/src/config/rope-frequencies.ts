/** `dim / 2` inverse frequencies `base^(-2i / dim)` (Su et al. 2021, arXiv 2104.09864); `dim` is even. */
export function plainFrequencies(base: number, dim: number): Float64Array {
  return Float64Array.from({ length: dim / 2 }, (_, i) => base ** ((-2 * i) / dim));
}

/** Position interpolation (Chen et al. 2023, arXiv 2306.15595): every angle divided by `factor`. */
export function linearFrequencies(base: number, dim: number, factor: number): Float64Array {
  return plainFrequencies(base, dim).map((frequency) => frequency / factor);
}

export type Llama3Scaling = {
  readonly factor: number;
  /** Context length over the shortest wavelength that is divided whole; less than `highFreqFactor`. */
  readonly lowFreqFactor: number;
  /** Context length over the longest wavelength that is left alone. */
  readonly highFreqFactor: number;
  /** Context length before scaling, in tokens. */
  readonly originalMaxPositions: number;
};

/**
 * Llama 3.1's scaling (Grattafiori et al. 2024, arXiv 2407.21783, and its published reference code):
 * slow pairs are divided by `factor`, fast ones left, and those between blended by how often they turn
 * within the original context.
 */
export function llama3Frequencies(base: number, dim: number, scaling: Llama3Scaling): Float64Array {
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositions } = scaling;
  return plainFrequencies(base, dim).map((frequency) => {
    const turns = (originalMaxPositions * frequency) / (2 * Math.PI);
    const kept = clampUnit((turns - lowFreqFactor) / (highFreqFactor - lowFreqFactor));
    return (1 - kept) * (frequency / factor) + kept * frequency;
  });
}

export type YarnScaling = {
  readonly factor: number;
  /** Pairs that turn more often than this within the original context are left alone. */
  readonly betaFast: number;
  /** Pairs that turn less often are divided by `factor`. */
  readonly betaSlow: number;
  readonly originalMaxPositions: number;
  /** Widen the blend to whole pair indices, as the authors' code does. */
  readonly truncate: boolean;
};

/**
 * YaRN (Peng et al. 2023, arXiv 2309.00071, section 3.2): as `llama3Frequencies`, but the blend is linear
 * in the pair's index, between the indices at which a pair turns `betaFast` and `betaSlow` times.
 */
export function yarnFrequencies(base: number, dim: number, scaling: YarnScaling): Float64Array {
  const { factor, betaFast, betaSlow, originalMaxPositions, truncate } = scaling;
  const indexOfTurns = (turns: number) =>
    (dim * Math.log(originalMaxPositions / (2 * Math.PI * turns))) / (2 * Math.log(base));
  const first = indexOfTurns(betaFast);
  const last = indexOfTurns(betaSlow);
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, dim - 1);
  // The authors' code keeps the ramp's slope finite in this way, and published weights rely on it.
  const width = high === low ? 0.001 : high - low;
  return plainFrequencies(base, dim).map((frequency, i) => {
    const divided = clampUnit((i - low) / width);
    return divided * (frequency / factor) + (1 - divided) * frequency;
  });
}

/** YaRN's factor on queries and keys (arXiv 2309.00071, section 3.4): `0.1 * weight * ln(factor) + 1`. */
export function yarnMagnitude(factor: number, weight = 1): number {
  return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
}

function clampUnit(x: number): number {
  return Math.min(Math.max(x, 0), 1);
}
