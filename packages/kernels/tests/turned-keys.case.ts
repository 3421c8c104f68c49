import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { Rope } from "../src/program.ts";
import { Decoding } from "./decoding.ts";
import type { Implementation } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { randomWeight } from "./weight.ts";

/** writeKv with a rope is rope, then writeKv. */
export function turnedKeysCases({ name, open }: Implementation): void {
  describe(`${name}: keys turned while they are written`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each<DType>(["f32", "f16", "bf16"])("give the bits of a rope before, in %s pages", async (dtype) => {
      const random = new Random(131);
      for (const headDim of [2, 6, 20, 64, 128]) {
        const n = random.pick([headDim / 2, random.integer(1, headDim / 2)]);
        const rope: Rope = {
          inverseFrequencies: Float64Array.from({ length: n }, (_, i) => 10000 ** (-i / n)),
          scale: random.pick([1, 1.2]),
          interleaved: random.next() < 0.5,
          ...(n > 1 && random.next() < 0.5 ? { dynamic: { base: 1e4, factor: 2, maxPositions: 20 } } : {}),
        };
        const kvHeads = random.integer(1, 3);
        const seed = random.integer(0, 1000);
        const results = [];
        for (const fused of [false, true]) {
          using decoding = new Decoding(device, keysProgram(seed, headDim, kvHeads, rope, fused), { dtype });
          const sequence = decoding.sequence();
          const logits = [
            ...(await decoding.step([sequence, new Random(seed).integers(19, 0, 63)])),
            ...(await decoding.step([sequence, Int32Array.of(5)])),
            ...(await decoding.step([sequence, Int32Array.of(9, 33)])),
          ];
          const tables = sequence.slotTables();
          const stored = await Promise.all(
            (["position", "keys", "values"] as const).map((data) => decoding.memory.readSlots(data, tables)),
          );
          results.push({ logits, stored });
        }
        expect(results[1], `headDim ${headDim}, ${n} pairs`).toEqual(results[0]);
      }
    });
  });
}

/** Writes keys to both KV layers, attends to the second, and reads the buffer of k out, as it was before. */
function keysProgram(seed: number, headDim: number, kvHeads: number, rope: Rope, fused: boolean) {
  const random = new Random(seed);
  const width = kvHeads * headDim;
  const sketch = new ProgramSketch({ kvLayers: 2, kvHeads, headDim, vocabSize: Math.max(64, width) });
  const { vocabSize } = sketch.shape;
  const [k, v, q] = [0, 1, 2].map(() => sketch.embed(randomWeight(random, "f32", [vocabSize, width])));
  const index = sketch.rope(rope);
  const turned = sketch.buffer(width);
  for (const kvLayer of [0, 1]) {
    if (fused) {
      sketch.push({ op: "writeKv", kvLayer, k: k!, v: v!, rope: index });
    } else {
      sketch.push(
        { op: "rope", out: turned, x: k!, rope: index },
        { op: "writeKv", kvLayer, k: turned, v: v! },
      );
    }
  }
  const out = sketch.buffer(width);
  const mask = { scale: headDim ** -0.5, strict: false, window: 0, rope: index };
  sketch.push({ op: "attend", out, q: q!, kvLayer: 1, ...mask }, { op: "add", out, a: out, b: k! });
  return sketch.readOut(out);
}
