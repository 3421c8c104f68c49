import { blockFormat, type QuantDType } from "../src/dtype.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { packed, randomQuantWeight } from "./quant-weight.ts";
import { Random } from "./random.ts";
import { randomWeight } from "./weight.ts";

/** A decoder of one layer with quantised weights, an embedding of them too, and a fused product. */
export function quantDecoder(seed: number, dtype: QuantDType): ProgramSketch {
  const random = new Random(seed);
  const [heads, kvHeads, headDim, vocabSize] = [4, 2, 64, 50];
  const width = heads * headDim;
  const inner = 3 * blockFormat[dtype].values;
  const sketch = new ProgramSketch({ kvLayers: 1, kvHeads, headDim, vocabSize });
  const linear = (x: number, outputs: number, residual?: number) =>
    sketch.linear(x, matrix(outputs, sketch.buffers[x]!.width), residual);
  const matrix = (outputs: number, inputs: number) =>
    packed(randomQuantWeight(random, dtype, [outputs, inputs]));
  const norm = (x: number) => {
    const { width, rows } = sketch.buffers[x]!;
    const [out, weight] = [sketch.buffer(width, rows), sketch.weight(randomWeight(random, "f32", [width]))];
    sketch.push({ op: "rmsNorm", out, x, weight, eps: 1e-5 });
    return out;
  };
  const rope = sketch.rope({
    inverseFrequencies: Float64Array.from({ length: headDim / 2 }, (_, i) => 10000 ** ((-2 * i) / headDim)),
    scale: 1,
    interleaved: false,
  });
  let x = sketch.embed(randomQuantWeight(random, dtype, [vocabSize, width]));
  const h = norm(x);
  const [q, k, v] = [linear(h, width), linear(h, kvHeads * headDim), linear(h, kvHeads * headDim)];
  for (const turned of [q, k]) sketch.push({ op: "rope", out: turned, x: turned, rope });
  sketch.push({ op: "writeKv", kvLayer: 0, k, v });
  const attended = sketch.buffer(width);
  sketch.push({ op: "attend", out: attended, q, kvLayer: 0, scale: 0.01, strict: false, window: 0, rope });
  x = linear(attended, width, x);
  const [gate, up] = [0, 1].map(() => sketch.weight(matrix(inner, width)));
  const gated = sketch.buffer(inner);
  sketch.push({ op: "gated", out: gated, x: norm(x), gate: gate!, up: up! });
  x = linear(gated, width, x);
  const gathered = sketch.buffer(width, "outputs");
  sketch.push({ op: "gatherOutputs", out: gathered, x });
  return sketch.logits(linear(norm(gathered), vocabSize));
}
