import type { Signal, SignalSet } from "./signals.ts";

/** What sample signals look like: "huge" ones are near the largest float32. */
export type SignalKind = "random" | "equal" | "zero" | "huge";

const headDim = 8;

/** Made-up signals for `resident` slots: the same for the same seed, and plausible (norms and sums are not negative). */
export function makeSignals(
  names: readonly Signal[],
  kind: SignalKind,
  resident: number,
  seed: number,
): Partial<SignalSet> {
  const random = generator(seed * 1000 + resident);
  return Object.fromEntries(names.map((name) => [name, makeSignal(name, kind, resident, random)]));
}

function makeSignal(name: Signal, kind: SignalKind, resident: number, random: () => number): Float32Array {
  if (name === "position") return Float32Array.from({ length: resident }, (_, slot) => slot * 2);
  const isVector = name === "keys" || name === "values";
  const draw = {
    random: () => (isVector ? random() - 0.5 : random() * 10),
    equal: () => 0.25,
    zero: () => 0,
    huge: () => random() * 3e38,
  }[kind];
  return Float32Array.from({ length: isVector ? resident * headDim : resident }, draw);
}

/** A seeded generator of numbers in [0, 1): mulberry32. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
