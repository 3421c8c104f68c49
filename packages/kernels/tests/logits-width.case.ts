import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { greedySampling } from "../src/greedy-sampling.ts";
import { type Implementation, refused } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { randomWeight } from "./weight.ts";

/** Programs whose result is no distribution over the vocabulary. */
export function logitsWidthCases({ name, open }: Implementation): void {
  describe(`${name}: programs that end before a head`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each([5, 40, 200])("return rows of %i numbers, and refuse to sample", async (width) => {
      const table = randomWeight(new Random(width), "f32", [40, width]);
      const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize: 40 });
      const out = sketch.buffer(width, "outputs");
      sketch.push({ op: "gatherOutputs", out, x: sketch.embed(table) });
      using executable = sketch.logits(out).compileOn(device);
      using memory = device.pageMemory({ pages: 1, pageTokens: 16, headDim: 2, dtype: "f32" });
      const tokens = Int32Array.of(3, 39, 7, 0);
      const sequence = {
        rows: 4,
        position: 0,
        resident: Int32Array.of(0),
        pages: Int32Array.of(0),
        sinks: 0,
      };
      const step = { tokens, sequences: [sequence], outputs: Int32Array.of(1, 3), returnLogits: true };
      const { logits } = await executable.run(memory, step);
      const rows = [39, 0].flatMap((id) => Array.from(table.values.subarray(id * width, (id + 1) * width)));
      expect(Array.from(logits!)).toEqual(rows);
      const sampled = executable.run(memory, { ...step, sampling: [greedySampling, greedySampling] });
      // By chance as wide as the vocabulary, they are logits for all that the device knows.
      if (width === 40) expect((await sampled).tokens).toHaveLength(2);
      else await refused(sampled, new RegExp(`logits have width ${width}, not vocabSize 40`));
      const none = { ...step, outputs: new Int32Array(0) };
      expect((await executable.run(memory, none)).logits).toHaveLength(0);
    });
  });
}
