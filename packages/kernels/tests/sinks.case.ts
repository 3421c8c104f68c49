import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { Rope } from "../src/program.ts";
import { firstColumns, type Implementation, relativeError } from "./implementation.ts";
import { NaiveHead } from "./naive-head.ts";
import { PagedSequence, PageIds } from "./paged-sequence.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { randomWeight } from "./weight.ts";

/** StreamingLLM's positions inside the cache, against keys that are rotated where they are seen. */
export function sinksCases({ name, open, precision }: Implementation): void {
  describe(`${name}: attention sinks`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each([
      { headDim: 8, sinks: 4, interleaved: false, scale: 1, pairs: 4 },
      { headDim: 64, sinks: 1, interleaved: true, scale: 1.3, pairs: 32 },
      { headDim: 32, sinks: 17, interleaved: false, scale: 0.8, pairs: 10 },
    ])(
      "are seen directly before the window: $sinks sinks, heads of $headDim",
      async ({ headDim, sinks, pairs, ...ropeOptions }) => {
        const random = new Random(headDim);
        const rope: Rope = {
          ...ropeOptions,
          inverseFrequencies: Float64Array.from({ length: pairs }, (_, i) => 100 ** (-i / pairs)),
        };
        const table = randomWeight(random, "f32", [64, headDim]);
        using executable = roped(headDim, rope, table).compileOn(device);
        using memory = device.pageMemory({ pages: 8, pageTokens: 16, headDim, dtype: "f32" });
        const sequence = new PagedSequence(PageIds.scattered(8, 3), 16, 1);
        const [first, second] = [random.integers(40, 0, 63), random.integers(3, 0, 63)];
        const row = (token: number) => table.values.subarray(token * headDim, (token + 1) * headDim);

        await executable.run(memory, {
          tokens: first,
          sequences: [sequence.next(40, sinks)],
          outputs: new Int32Array(0),
        });
        // The window slides: of 40 slots the sinks and the last 11 stay.
        const keep = Int32Array.from({ length: sinks + 11 }, (_, i) => (i < sinks ? i : 29 - sinks + i));
        const source = Int32Array.from(sequence.tables[0]!);
        await memory.compact([{ source, keep, destination: source.slice(0, Math.ceil(keep.length / 16)) }]);
        sequence.resident[0] = keep.length;
        sequence.tables[0]!.length = Math.ceil(keep.length / 16);
        const { logits } = await executable.run(memory, {
          tokens: second,
          sequences: [sequence.next(3, sinks)],
          outputs: Int32Array.of(0, 1, 2),
          returnLogits: true,
        });

        const evicted = 40 - keep.length;
        const cache = new NaiveHead(headDim);
        for (const slot of keep) {
          const seenAt = slot < sinks ? slot + evicted : slot;
          cache.append(rotate(row(first[slot]!), seenAt, rope), row(first[slot]!), slot);
        }
        const expected = Array.from(second, (token, i) => {
          const rotated = rotate(row(token), 40 + i, rope);
          cache.append(rotated, row(token), 40 + i);
          return cache.attend(rotated, scoreScale(headDim), { strict: false, window: 0 }, 40 + i);
        }).flat();
        const error = relativeError(firstColumns(logits!, 64, headDim), expected);
        expect(error).toBeLessThan(precision === "double" ? 1e-7 : 1e-6);
      },
    );

    it("change nothing while nothing was evicted", async () => {
      const random = new Random(4);
      const rope: Rope = { inverseFrequencies: Float64Array.of(1, 0.1), scale: 1, interleaved: false };
      using executable = roped(4, rope, randomWeight(random, "f32", [64, 4])).compileOn(device);
      using memory = device.pageMemory({ pages: 2, pageTokens: 16, headDim: 4, dtype: "f16" });
      const tokens = random.integers(20, 0, 63);
      const logits: (Float32Array | undefined)[] = [];
      for (const sinks of [0, 4]) {
        const sequence = new PagedSequence(PageIds.inOrder(2), 16, 1);
        const outputs = Int32Array.of(3, 19);
        const step = { tokens, sequences: [sequence.next(20, sinks)], outputs, returnLogits: true };
        logits.push((await executable.run(memory, step)).logits);
      }
      expect(logits[1]).toEqual(logits[0]);
    });
  });
}

/** Small enough for the sinks to have a share: queries are their own keys, which score highest. */
function scoreScale(headDim: number): number {
  return 0.25 * headDim ** -0.5;
}

/** Queries and keys are the rotated embedding, values the plain one. */
function roped(headDim: number, rope: Rope, table: ReturnType<typeof randomWeight>): ProgramSketch {
  const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim, vocabSize: 64 });
  const [x, turned, out] = [sketch.embed(table), sketch.buffer(headDim), sketch.buffer(headDim)];
  sketch.rope(rope);
  sketch.push({ op: "rope", out: turned, x, rope: 0 });
  sketch.push({ op: "writeKv", kvLayer: 0, k: turned, v: x });
  sketch.push({
    op: "attend",
    out,
    q: turned,
    kvLayer: 0,
    scale: scoreScale(headDim),
    strict: false,
    window: 0,
    rope: 0,
  });
  return sketch.readOut(out);
}

function rotate(
  x: Float64Array,
  position: number,
  { inverseFrequencies, interleaved, scale }: Rope,
): Float64Array {
  const turned = x.slice();
  inverseFrequencies.forEach((frequency, i) => {
    const [a, b] = interleaved ? [2 * i, 2 * i + 1] : [i, i + inverseFrequencies.length];
    const [cos, sin] = [Math.cos(position * frequency), Math.sin(position * frequency)];
    turned[a] = scale * (x[a]! * cos - x[b]! * sin);
    turned[b] = scale * (x[a]! * sin + x[b]! * cos);
  });
  return turned;
}
