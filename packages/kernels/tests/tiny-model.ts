import type { DType } from "../src/dtype.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { randomWeight, type Weight } from "./weight.ts";

export type TinyModel = {
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly width: number;
  readonly vocabSize: number;
  readonly weights: DType;
  readonly window: number;
};

export const tinyModel: TinyModel = {
  layers: 2,
  heads: 4,
  kvHeads: 2,
  headDim: 8,
  width: 24,
  vocabSize: 50,
  weights: "f32",
  window: 0,
};

/** A decoder with everything that a real one has, and random weights. */
export function tinyDecoder(seed: number, model: TinyModel = tinyModel): ProgramSketch {
  const { layers, heads, kvHeads, headDim, width, vocabSize, weights, window } = model;
  const random = new Random(seed);
  const sketch = new ProgramSketch({ kvLayers: layers, kvHeads, headDim, vocabSize });
  const matrix = (rows: number, columns: number) => scaled(random, weights, rows, columns);
  const rope = sketch.rope({
    inverseFrequencies: Float64Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim)),
    scale: 1,
    interleaved: false,
  });
  let x = sketch.embed(randomWeight(random, weights, [vocabSize, width]));
  for (let kvLayer = 0; kvLayer < layers; kvLayer++) {
    const h = norm(sketch, random, x, width);
    const [q, k, v] = [heads, kvHeads, kvHeads].map((n) => sketch.linear(h, matrix(n * headDim, width)));
    norm(sketch, random, q!, headDim, q);
    for (const turned of [q!, k!]) sketch.push({ op: "rope", out: turned, x: turned, rope });
    sketch.push({ op: "writeKv", kvLayer, k: k!, v: v! });
    const attended = sketch.buffer(heads * headDim);
    const mask = { scale: headDim ** -0.5, strict: false, window: kvLayer % 2 === 1 ? window : 0, rope };
    sketch.push({ op: "attend", out: attended, q: q!, kvLayer, ...mask });
    x = sketch.linear(attended, matrix(width, heads * headDim), x);
    const inner = norm(sketch, random, x, width);
    const [gate, up] = [0, 1].map(() => sketch.linear(inner, matrix(2 * width, width)));
    sketch.push({ op: "swiglu", out: gate!, gate: gate!, up: up! });
    x = sketch.linear(gate!, matrix(width, 2 * width), x);
  }
  const gathered = sketch.buffer(width, "outputs");
  sketch.push({ op: "gatherOutputs", out: gathered, x });
  norm(sketch, random, gathered, width, gathered);
  return sketch.logits(sketch.linear(gathered, matrix(vocabSize, width)));
}

/** Of rows or, for a shorter `n`, of each head. */
function norm(
  sketch: ProgramSketch,
  random: Random,
  x: number,
  n: number,
  out = sketch.buffer(sketch.buffers[x]!.width),
): number {
  const weight = sketch.weight(randomWeight(random, "f32", [n]));
  sketch.push({ op: "rmsNorm", out, x, weight, eps: 1e-5 });
  return out;
}

/** Values of a size that keeps activations from growing layer by layer. */
function scaled(random: Random, dtype: DType, rows: number, columns: number): Weight {
  const weight = randomWeight(random, dtype, [rows, columns]);
  if (dtype === "f32") {
    weight.data.forEach((value, i) => {
      weight.data[i] = value / Math.sqrt(columns);
      weight.values[i] = weight.data[i]!;
    });
  }
  return weight;
}
