import type { AttentionRead } from "../src/attention-read.ts";
import type { Rope } from "../src/program.ts";
import type { AttentionCollection } from "../src/step.ts";

/** A layer that attends. */
export type NaiveLayer = {
  readonly kvLayer: number;
  readonly scale: number;
  readonly strict: boolean;
  readonly window: number;
  readonly rope: Rope;
};

/** A slot of one KV head. */
export type NaiveSlot = { readonly key: readonly number[]; readonly position: number; sum: number };

/** The query heads that share the KV head, at one position. */
export type NaiveQuery = { readonly position: number; readonly heads: readonly (readonly number[])[] };

/** The queries of one layer. */
export type NaiveQueries = { readonly layer: NaiveLayer; readonly queries: readonly NaiveQuery[] };

/** What a row in slot `own` adds to each slot, before it is divided by the number of layers. */
export function collected(
  layer: NaiveLayer,
  query: NaiveQuery,
  own: number,
  slots: readonly NaiveSlot[],
  keys: readonly (readonly number[])[],
  collection: AttentionCollection,
  kvHead: number,
): number[] {
  const seen = (s: number) =>
    (layer.strict ? s < own : s <= own) && inWindow(layer, query.position, slots[s]!.position);
  const shares = query.heads.map((q) =>
    softmax(
      keys.map((key, s) => {
        if (!seen(s)) return undefined;
        const { noiseSeed, temperature } = collection;
        const noise =
          noiseSeed === undefined ? 0 : gumbel(noiseSeed, slots[s]!.position, layer.kvLayer, kvHead);
        return (layer.scale * product(q, key) + noise) / temperature;
      }),
    ),
  );
  return reduced(shares, collection.reduce);
}

type ReadSettings = Pick<AttentionRead, "position" | "measure" | "reduce" | "threshold" | "future">;

/** What the queries of each layer say, in double precision. `keys`: per layer, as its queries see them. */
export function readNaively(
  layers: readonly NaiveQueries[],
  slots: readonly NaiveSlot[],
  keys: (layer: NaiveLayer) => readonly (readonly number[])[],
  settings: ReadSettings,
): number[] {
  const perLayer = layers.map(({ layer, queries }) =>
    settings.measure === "expected"
      ? expected(layer, queries, keys(layer), settings)
      : paid(layer, queries, slots, keys(layer), settings),
  );
  return slots.map((_, s) => perLayer.reduce((sum, shares) => sum + shares[s]!, 0) / layers.length);
}

function paid(
  layer: NaiveLayer,
  queries: readonly NaiveQuery[],
  slots: readonly NaiveSlot[],
  keys: readonly (readonly number[])[],
  { measure, reduce, threshold }: ReadSettings,
): number[] {
  const total = slots.map(() => 0);
  for (const { position, heads } of queries) {
    const seen = slots.map(
      (slot) =>
        (layer.strict ? slot.position < position : slot.position <= position) &&
        inWindow(layer, position, slot.position),
    );
    const count = seen.filter((x) => x).length;
    const shares = heads.map((q) => {
      const p = softmax(keys.map((key, s) => (seen[s] ? layer.scale * product(q, key) : undefined)));
      return measure === "sum" ? p : p.map((x, s) => (seen[s] && x >= threshold / count ? 1 : 0));
    });
    for (const [s, share] of reduced(shares, reduce).entries()) total[s]! += share;
  }
  return total;
}

function expected(
  layer: NaiveLayer,
  queries: readonly NaiveQuery[],
  keys: readonly (readonly number[])[],
  { position, future, reduce }: ReadSettings,
): number[] {
  const heads = queries[0]!.heads.map((_, h) => {
    // On average over the future positions, not by an average rotation.
    const turned = queries.map((query) => {
      const back = rotated(query.heads[h]!, layer.rope, query.position, -1);
      const mean = back.map(() => 0);
      for (let p = position; p < position + future; p++) {
        for (const [i, x] of rotated(back, layer.rope, p, 1).entries()) mean[i]! += x / future;
      }
      return mean;
    });
    return softmax(
      keys.map((key) => {
        const scores = turned.map((q) => layer.scale * product(q, key));
        const mean = average(scores);
        return mean + (average(scores.map((x) => x * x)) - mean * mean) / 2;
      }),
    );
  });
  return reduced(heads, reduce);
}

/** `direction` -1 turns back. The rope's scale is left out. */
export function rotated(x: readonly number[], rope: Rope, position: number, direction: 1 | -1): number[] {
  const { inverseFrequencies, interleaved, dynamic } = rope;
  const out = [...x];
  const pairs = inverseFrequencies.length;
  inverseFrequencies.forEach((frequency, i) => {
    const [a, b] = interleaved ? [2 * i, 2 * i + 1] : [i, i + pairs];
    let turn = frequency;
    if (dynamic !== undefined && position >= dynamic.maxPositions) {
      const stretch = (dynamic.factor * (position + 1)) / dynamic.maxPositions - (dynamic.factor - 1);
      turn = (dynamic.base * stretch ** (pairs / (pairs - 1))) ** (-i / pairs);
    }
    const [cos, sin] = [Math.cos(position * turn), direction * Math.sin(position * turn)];
    out[a] = x[a]! * cos - x[b]! * sin;
    out[b] = x[a]! * sin + x[b]! * cos;
  });
  return out;
}

/** In whole numbers without end. */
export function gumbel(seed: number, position: number, kvLayer: number, kvHead: number): number {
  const word = (x: bigint) => BigInt.asUintN(32, x);
  const mix = (x: bigint) => {
    let h = word(x);
    h = word((h ^ (h >> 16n)) * 0x85ebca6bn);
    h = word((h ^ (h >> 13n)) * 0xc2b2ae35n);
    return h ^ (h >> 16n);
  };
  const h = mix(mix(mix(BigInt(seed)) + BigInt(position)) + BigInt(kvLayer * 1024 + kvHead));
  return -Math.log(-Math.log((Number(h) + 0.5) / 4294967296));
}

function inWindow({ window }: NaiveLayer, position: number, other: number): boolean {
  return window === 0 || other > position - window;
}

/** Zero where there is no score, and everywhere where there is none at all. */
function softmax(scores: readonly (number | undefined)[]): number[] {
  const largest = Math.max(...scores.map((score) => score ?? -Infinity));
  const weights = scores.map((score) => (score === undefined ? 0 : Math.exp(score - largest)));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => (sum === 0 ? 0 : weight / sum));
}

function reduced(heads: readonly (readonly number[])[], reduce: AttentionCollection["reduce"]): number[] {
  return heads[0]!.map((_, s) => {
    const column = heads.map((head) => head[s]!);
    if (reduce === "max") return Math.max(...column);
    return reduce === "sum" ? average(column) * column.length : average(column);
  });
}

function product(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

function average(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
