import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { f32Weight, randomWeight, type Weight } from "./weight.ts";

export type Passes = { readonly passes: number; readonly tolerance?: number } | "unrolled 3";

/** Two layers, each of which attends (strictly) to keys and values of its own, written after both. */
export function condensed(passes: Passes): ProgramSketch {
  const random = new Random(33);
  const [width, headDim, vocabSize] = [12, 4, 40];
  const sketch = new ProgramSketch({ kvLayers: 2, kvHeads: 2, headDim, vocabSize });
  const matrix = (rows: number, columns: number): Weight => {
    const data = Float32Array.from({ length: rows * columns }, () => random.normal() / Math.sqrt(columns));
    return f32Weight([rows, columns], data);
  };
  const rope = sketch.rope({ inverseFrequencies: Float64Array.of(1, 0.2), scale: 1, interleaved: false });
  const input = sketch.embed(randomWeight(random, "f32", [vocabSize, width]));
  const zeros = sketch.embed(f32Weight([vocabSize, 8], new Float32Array(vocabSize * 8)));
  const head = matrix(vocabSize, width);
  const start = sketch.instructions.length;
  let x = input;
  for (let layer = 0; layer < 2; layer++) {
    const q = sketch.linear(x, matrix(16, width));
    sketch.push({ op: "rope", out: q, x: q, rope });
    const attended = sketch.buffer(16);
    // A window on one of them, so that positions of slots that are not written yet matter.
    const mask = { scale: 0.5, strict: true, window: layer === 0 ? 0 : 5, rope };
    sketch.push({ op: "attend", out: attended, q, kvLayer: layer, ...mask });
    x = sketch.linear(attended, matrix(width, 16), x);
  }
  for (const kvLayer of [0, 1]) {
    const [k, v] = [sketch.linear(x, matrix(8, width)), sketch.linear(x, matrix(8, width))];
    sketch.push({ op: "rope", out: k, x: k, rope });
    sketch.push({ op: "writeKv", kvLayer, k, v });
  }
  const body = sketch.instructions.splice(start);
  if (passes === "unrolled 3") {
    for (const kvLayer of [0, 1]) sketch.push({ op: "writeKv", kvLayer, k: zeros, v: zeros });
    sketch.push(...body, ...body, ...body);
  } else {
    sketch.push({ op: "iterate", body: body.length, tolerance: 0, ...passes, kvLayers: [0, 1] }, ...body);
  }
  const gathered = sketch.buffer(width, "outputs");
  sketch.push({ op: "gatherOutputs", out: gathered, x });
  return sketch.logits(sketch.linear(gathered, head));
}
