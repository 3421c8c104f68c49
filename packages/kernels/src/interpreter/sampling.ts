import type { Sampling } from "../step.ts";
import type { Work } from "./work-queue.ts";

/** Draws one token id. `logits` are f32: what is drawn must not depend on digits that a backend has not. */
export function* sampleToken(logits: Float32Array, sampling: Sampling): Work<number> {
  const adjusted = adjustLogits(logits, sampling);
  if (sampling.temperature === 0) return likeliest(adjusted, sampling);
  const candidates = yield* byLogit(adjusted);
  const kept = sampling.topK > 0 ? candidates.subarray(0, sampling.topK) : candidates;
  const temperature = Math.fround(sampling.temperature);
  const largest = adjusted[kept[0]!]!;
  if (largest === -Infinity) return likeliest(adjusted, sampling);
  const weights = Float64Array.from(kept, (id) => Math.exp((adjusted[id]! - largest) / temperature));
  const count = Math.min(
    countTopP(weights, Math.fround(sampling.topP)),
    countMinP(weights, Math.fround(sampling.minP)),
  );
  return kept[drawIndex(weights.subarray(0, count), uniform(sampling.seed, sampling.draw))]!;
}

/** Log-probabilities of a model's own distribution. */
export function logSoftmax(logits: Float32Array): Float64Array {
  const largest = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  const shift = largest + Math.log(sum);
  return Float64Array.from(logits, (logit) => logit - shift);
}

/** Sorted at once. */
const run = 4096;

/** Ids from the highest logit to the lowest; equal logits by id. A merge sort, to be able to pause. */
export function* byLogit(logits: Float32Array | Float64Array): Work<Uint32Array> {
  const order = (a: number, b: number) => logits[b]! - logits[a]! || a - b;
  let ids = Uint32Array.from(logits.keys());
  for (let start = 0; start < ids.length; start += run) {
    ids.subarray(start, start + run).sort(order);
    yield;
  }
  for (let sorted = run; sorted < ids.length; sorted *= 2) {
    const merged = new Uint32Array(ids.length);
    for (let start = 0; start < ids.length; start += 2 * sorted) {
      const middle = start + sorted;
      merge(
        ids.subarray(start, middle),
        ids.subarray(middle, middle + sorted),
        order,
        merged.subarray(start),
      );
      yield;
    }
    ids = merged;
  }
  return ids;
}

function merge(
  a: Uint32Array,
  b: Uint32Array,
  order: (a: number, b: number) => number,
  out: Uint32Array,
): void {
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const takeA = j === b.length || (i < a.length && order(a[i]!, b[j]!) < 0);
    out[i + j] = takeA ? a[i]! : b[j]!;
    if (takeA) i++;
    else j++;
  }
}

/** Of equal ones the lowest that is allowed. */
function likeliest(logits: Float64Array, { allowed }: Sampling): number {
  let best = logits.findIndex((_, id) => isAllowed(allowed, id));
  for (let id = best + 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  return best;
}

function isAllowed(allowed: Uint32Array | undefined, id: number): boolean {
  return allowed === undefined || ((allowed[id >> 5]! >>> (id & 31)) & 1) === 1;
}

/** What is not allowed, bias, then penalties. */
function adjustLogits(logits: Float32Array, s: Sampling): Float64Array {
  const adjusted = Float64Array.from(logits, (logit, id) => (isAllowed(s.allowed, id) ? logit : -Infinity));
  s.biasIds.forEach((id, i) => {
    adjusted[id]! += s.biasValues[i]!;
  });
  const repetition = Math.fround(s.repetitionPenalty);
  for (const id of new Set(s.history)) {
    adjusted[id] = adjusted[id]! > 0 ? adjusted[id]! / repetition : adjusted[id]! * repetition;
  }
  const generated = new Map<number, number>();
  for (const id of s.history.subarray(s.promptLength)) generated.set(id, (generated.get(id) ?? 0) + 1);
  const [presence, frequency] = [Math.fround(s.presencePenalty), Math.fround(s.frequencyPenalty)];
  for (const [id, count] of generated) adjusted[id]! -= presence + frequency * count;
  return adjusted;
}

/** Length of the shortest prefix that holds the share `topP` of all weight. */
function countTopP(weights: Float64Array, topP: number): number {
  if (topP === 1) return weights.length;
  const enough = topP * weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  const last = weights.findIndex((weight) => {
    sum += weight;
    return sum >= enough;
  });
  return last === -1 ? weights.length : last + 1;
}

/** How many weights, the first of which is 1 and the largest, reach `minP`. */
function countMinP(weights: Float64Array, minP: number): number {
  const end = weights.findIndex((weight) => weight < minP);
  return end === -1 ? weights.length : end;
}

function drawIndex(weights: Float64Array, u: number): number {
  const target = u * weights.reduce((a, b) => a + b, 0);
  let sum = 0;
  const index = weights.findIndex((weight) => {
    sum += weight;
    return sum > target;
  });
  return Math.max(index, 0);
}

const mask64 = (1n << 64n) - 1n;

/** Draw number `draw` of a seed, in [0, 1): splitmix64 (Steele et al. 2014), of which any draw is one hash. */
export function uniform(seed: bigint, draw: number): number {
  let z = (seed + 0x9e3779b97f4a7c15n * (BigInt(draw) + 1n)) & mask64;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & mask64;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & mask64;
  z ^= z >> 31n;
  return Number(z >> 11n) * 2 ** -53;
}
