import { isAttention } from "./attention-spec.ts";
import type { Signal, SignalSet } from "./signals.ts";

/**
 * What sample signals look like: numbers of any size; all the same; all zero, as attention is before a first query; or
 * "huge": near the largest float32, and attention that all goes to one slot.
 */
export type SignalKind = "random" | "equal" | "zero" | "huge";

const headDim = 8;
const window = 32;

/**
 * Made-up signals for `resident` of `seen` slots: the same for the same seed, and plausible: positions ascend to the
 * newest, norms are not negative, attention probabilities add up to what so many queries pay, most of it to a few
 * slots, which are the same for every signal.
 */
export function makeSignals(
  names: readonly Signal[],
  kind: SignalKind,
  resident: number,
  seed: number,
  seen = resident,
): Partial<SignalSet> {
  const random = generator(seed * 1000 + resident);
  return Object.fromEntries(
    names.map((name) => [name, makeSignal(name, kind, resident, random, seen, seed)]),
  );
}

function makeSignal(
  name: Signal,
  kind: SignalKind,
  resident: number,
  random: () => number,
  seen: number,
  seed: number,
): Float32Array {
  if (name === "position") {
    const step = resident > 1 ? (seen - 1) / (resident - 1) : 1;
    return new Float32Array(resident).map((_, slot) => Math.floor(slot * step));
  }
  if (name === "attentionCount") {
    const counts = { random: () => random() * window, equal: () => 8, zero: () => 0, huge: () => window };
    return new Float32Array(resident).map(() => Math.floor(counts[kind]()));
  }
  if (isAttention(name)) {
    const queries = name === "attentionSum" ? seen : name === "attentionRecent" ? window : 1;
    return makeAttention(kind, resident, generator(seed)).map((share) => share * queries);
  }
  const isVector = name === "keys" || name === "values";
  const draw = {
    random: () => (isVector ? random() - 0.5 : random() * 10),
    equal: () => 0.25,
    zero: () => 0,
    huge: () => random() * 3e38,
  }[kind];
  return new Float32Array(isVector ? resident * headDim : resident).map(draw);
}

/** What one query pays to each slot. */
function makeAttention(kind: SignalKind, resident: number, random: () => number): Float32Array {
  const most = Math.floor(random() * resident);
  const draw = {
    random: () => random() ** 16,
    equal: () => 1,
    zero: () => 0,
    huge: (_: unknown, slot: number) => (slot === most ? 1 : 0),
  }[kind];
  const paid = new Float32Array(resident).map(draw);
  const sum = paid.reduce((a, b) => a + b, 0);
  return sum > 0 ? paid.map((share) => share / sum) : paid;
}

/** A seeded generator of numbers in [0, 1): mulberry32. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
