import type { Rope } from "../src/program.ts";
import type { NaiveLayer } from "./naive-attention.ts";
import { ProgramSketch } from "./program-sketch.ts";
import type { Random } from "./random.ts";
import { coarseWeight, type Weight } from "./weight.ts";

export type SignalLayer = NaiveLayer & {
  /** Query heads to a KV head. */
  readonly group: number;
  readonly q: Weight;
};

/** Layers whose queries, keys and values are looked up by token, and so known exactly. */
export class SignalModel {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly layers: readonly SignalLayer[];
  /** Per KV layer. */
  readonly keys: readonly Weight[];
  readonly sketch: ProgramSketch;

  /** `layersOf`: how many layers attend to each KV layer; `groups`: how many query heads may share a KV head. */
  constructor(
    random: Random,
    kvHeads: number,
    headDim: number,
    layersOf: readonly number[],
    dynamic = false,
    groups: readonly number[] = [1, 2, 3, 4],
  ) {
    const kvLayers = layersOf.length;
    const vocabSize = 96;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    this.sketch = new ProgramSketch({ kvLayers, kvHeads, headDim, vocabSize });
    const width = kvHeads * headDim;
    this.keys = layersOf.map(() => coarseWeight(random, [vocabSize, width]));
    for (const [kvLayer, weight] of this.keys.entries()) {
      const [k, v] = [this.sketch.embed(weight), this.sketch.embed(coarseWeight(random, [vocabSize, width]))];
      this.sketch.push({ op: "writeKv", kvLayer, k, v });
    }
    this.layers = layersOf.flatMap((count, kvLayer) =>
      Array.from({ length: count }, () => {
        const group = random.pick(groups);
        const q = coarseWeight(random, [vocabSize, width * group]);
        const mask = { strict: random.next() < 0.3, window: random.pick([0, 0, 1, 7, 40]) };
        const scale = random.pick([0.4, 1]) * headDim ** -0.5;
        return { kvLayer, group, q, scale, ...mask, rope: randomRope(random, headDim, dynamic) };
      }),
    );
    for (const { kvLayer, scale, strict, window, q, group, rope } of this.layers) {
      const [queries, out] = [this.sketch.embed(q), this.sketch.buffer(width * group)];
      const index = this.sketch.rope(rope);
      this.sketch.push({ op: "attend", out, q: queries, kvLayer, scale, strict, window, rope: index });
    }
    this.sketch.readOut(this.sketch.embed(coarseWeight(random, [vocabSize, 4])));
  }

  key(kvLayer: number, kvHead: number, token: number): number[] {
    return head(this.keys[kvLayer]!, token, kvHead, this.headDim);
  }

  /** The query heads that share a KV head. */
  queries({ q, group }: SignalLayer, kvHead: number, token: number): number[][] {
    return Array.from({ length: group }, (_, i) => head(q, token, kvHead * group + i, this.headDim));
  }

  layersOf(kvLayer: number): SignalLayer[] {
    return this.layers.filter((layer) => layer.kvLayer === kvLayer);
  }
}

function head({ values, shape }: Weight, token: number, index: number, headDim: number): number[] {
  const at = token * shape[1]! + index * headDim;
  return Array.from(values.subarray(at, at + headDim));
}

function randomRope(random: Random, headDim: number, dynamic: boolean): Rope {
  const pairs = dynamic ? headDim / 2 : random.pick([headDim / 2, random.integer(1, headDim / 2)]);
  return {
    inverseFrequencies: Float64Array.from({ length: pairs }, (_, i) => 100 ** (-i / pairs)),
    scale: random.pick([1, 1.2]),
    interleaved: random.next() < 0.5,
    ...(dynamic && pairs > 1 ? { dynamic: { base: 100, factor: 2, maxPositions: 30 } } : {}),
  };
}
