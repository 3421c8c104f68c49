import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import { ProgramSketch } from "./program-sketch.ts";
import type { Weight } from "./weight.ts";

/** Pages whose keys (and values, where no others are given) are rows of `table`, to which its rows also attended. */
export async function writtenPages(
  device: Device,
  table: Weight,
  dtype: DType,
  tokens: Int32Array,
  position = 0,
  valueTable = table,
) {
  const headDim = table.shape[1]!;
  const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim, vocabSize: 64 });
  const [x, v, out] = [sketch.embed(table), sketch.embed(valueTable), sketch.buffer(headDim)];
  const rope = sketch.rope({ inverseFrequencies: Float64Array.of(1), scale: 1, interleaved: false });
  const mask = { scale: 0, strict: false, window: 0, rope };
  sketch.push({ op: "writeKv", kvLayer: 0, k: x, v }, { op: "attend", out, q: x, kvLayer: 0, ...mask });
  using executable = sketch.readOut(x).compileOn(device);
  const decoding = new Decoding(device, sketch, { pages: 16, dtype }, 2);
  decoding.executable.dispose();
  const [memory, sequence] = [decoding.memory, decoding.sequence()];
  sequence.position = position;
  await executable.run(memory, {
    tokens,
    sequences: [{ ...sequence.next(tokens.length), collect: { reduce: "sum", temperature: 1 } }],
    outputs: new Int32Array(0),
  });
  return { memory, sequence };
}
