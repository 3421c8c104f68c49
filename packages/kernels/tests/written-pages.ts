import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import { ProgramSketch } from "./program-sketch.ts";
import type { Weight } from "./weight.ts";

/** Pages whose keys and values are rows of `table`. */
export async function writtenPages(
  device: Device,
  table: Weight,
  dtype: DType,
  tokens: Int32Array,
  position = 0,
) {
  const headDim = table.shape[1]!;
  const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim, vocabSize: 64 });
  const x = sketch.embed(table);
  sketch.push({ op: "writeKv", kvLayer: 0, k: x, v: x });
  using executable = sketch.readOut(x).compileOn(device);
  const decoding = new Decoding(device, sketch, { pages: 16, dtype }, 2);
  decoding.executable.dispose();
  const [memory, sequence] = [decoding.memory, decoding.sequence()];
  sequence.position = position;
  await executable.run(memory, {
    tokens,
    sequences: [sequence.next(tokens.length)],
    outputs: new Int32Array(0),
  });
  return { memory, sequence };
}
