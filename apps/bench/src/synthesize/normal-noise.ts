/** Values that 16 random bits choose from: the midpoints of as many slices of equal probability. */
const steps = 65_536;

let quantiles: Float64Array | undefined;

/** Values of the standard normal distribution, all equally likely: within 4.2, mean 0. */
export function normalQuantiles(): Float64Array {
  quantiles ??= Float64Array.from({ length: steps }, (_, i) => inverseNormal((i + 0.5) / steps));
  return quantiles;
}

/**
 * Where the integral of the standard normal distribution reaches `probability`. Newton's steps from 0 come nearer
 * from below each time, as the integral bends downwards there; the integral is a series (Marsaglia,
 * "Evaluating the Normal Distribution", 2004).
 */
function inverseNormal(probability: number): number {
  if (probability < 0.5) return -inverseNormal(1 - probability);
  let x = 0;
  for (let step = 0; step < 60; step++) {
    const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
    const ahead = (probability - integral(x, density)) / density;
    if (ahead < 1e-12) break;
    x += ahead;
  }
  return x;
}

function integral(x: number, density: number): number {
  let [sum, term] = [x, x];
  for (let n = 3; Math.abs(term) > 1e-17; n += 2) {
    term *= (x * x) / n;
    sum += term;
  }
  return 0.5 + sum * density;
}

/** Fills `indices` with 16 random bits each: the generator xoshiro128** of Blackman and Vigna. */
export class RandomIndices {
  readonly #state = new Uint32Array(4);

  /** @param seed a whole number of 32 bits @param stream text, so that streams of one seed differ */
  constructor(seed: number, stream: string) {
    let hash = (seed ^ 0x9e3779b9) >>> 0;
    for (let i = 0; i < stream.length; i++) hash = Math.imul(hash ^ stream.charCodeAt(i), 0x01000193) >>> 0;
    for (let i = 0; i < 4; i++) {
      hash = (hash + 0x9e3779b9) >>> 0;
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
      mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
      this.#state[i] = mixed ^ (mixed >>> 16);
    }
  }

  fill(indices: Uint16Array): void {
    let [a, b, c, d] = this.#state as unknown as [number, number, number, number];
    for (let i = 0; i < indices.length; ) {
      const product = Math.imul(b, 5);
      const bits = Math.imul((product << 7) | (product >>> 25), 9);
      const shifted = b << 9;
      c ^= a;
      d ^= b;
      b ^= c;
      a ^= d;
      c ^= shifted;
      d = (d << 11) | (d >>> 21);
      indices[i++] = bits;
      if (i < indices.length) indices[i++] = bits >>> 16;
    }
    this.#state.set([a, b, c, d]);
  }
}
