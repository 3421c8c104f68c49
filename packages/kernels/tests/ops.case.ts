import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { Rope } from "../src/program.ts";
import { type Implementation, relativeError, runRows } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { randomWeight, type Weight } from "./weight.ts";

const widths = [1, 2, 3, 7, 8, 15, 16, 17, 33, 63, 64, 65, 127, 160, 257];
const dtypes: readonly DType[] = ["f32", "f16", "bf16"];

/** Largest relative errors: of an f32 result, and of f32 arithmetic on top of it. */
const tolerances = {
  double: { rmsNorm: 1e-7, linear: 1e-7, rope: 1e-7, swiglu: 1e-7, add: 1e-7 },
  single: { rmsNorm: 4e-7, linear: 6e-7, rope: 2e-7, swiglu: 3e-7, add: 1e-7 },
};

/** Each op alone, against a few lines of plain arithmetic. */
export function opsCases({ name, open, precision }: Implementation): void {
  describe(`${name}: ops`, () => {
    const tolerance = tolerances[precision];
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    /** Runs rows of random tokens; `expected` gets the token of each row. */
    async function check(
      sketch: ProgramSketch,
      random: Random,
      width: number,
      expected: (token: number, row: number) => ArrayLike<number>,
      position = 0,
    ): Promise<number> {
      const tokens = random.integers(random.pick([1, random.integer(2, 70)]), 0, sketch.shape.vocabSize - 1);
      const actual = await runRows(device, sketch, tokens, width, position);
      return relativeError(
        actual,
        Array.from(tokens, (token, row) => Array.from(expected(token, row))).flat(),
      );
    }

    it.each(dtypes)("embed copies rows of a %s table, bit by bit", async (dtype) => {
      const random = new Random(1);
      for (const width of widths) {
        const sketch = rowProgram(width);
        const table = randomWeight(random, dtype, [sketch.shape.vocabSize, width]);
        sketch.readOut(sketch.embed(table));
        expect(await check(sketch, random, width, (token) => row(table, token)), `width ${width}`).toBe(0);
      }
    });

    it("gatherOutputs takes the rows asked for, in place of all", async () => {
      const random = new Random(2);
      const sketch = rowProgram(5);
      const table = randomWeight(random, "f32", [sketch.shape.vocabSize, 5]);
      sketch.readOut(sketch.embed(table));
      using executable = sketch.compileOn(device);
      using memory = device.pageMemory({ pages: 1, pageTokens: 16, headDim: 2, dtype: "f32" });
      const tokens = random.integers(9, 0, 63);
      const sequence = {
        rows: 9,
        position: 0,
        resident: Int32Array.of(0),
        pages: Int32Array.of(0),
        sinks: 0,
      };
      for (const outputs of [[], [0], [8], [1, 4, 5], [0, 1, 2, 3, 4, 5, 6, 7, 8]].map((rows) =>
        Int32Array.from(rows),
      )) {
        const { logits } = await executable.run(memory, {
          tokens,
          sequences: [sequence],
          outputs,
          returnLogits: true,
        });
        const first = Array.from(outputs, (_, i) => Array.from(logits!.subarray(i * 64, i * 64 + 5)));
        expect(first).toEqual(Array.from(outputs, (r) => Array.from(row(table, tokens[r]!))));
      }
    });

    it.each(dtypes)(
      "rmsNorm with %s weights, over whole rows and over heads, also in place",
      async (dtype) => {
        const random = new Random(3);
        for (const width of widths) {
          const groups = random.pick([1, 1, 2, 3]);
          const [eps, n] = [random.pick([1e-5, 1e-6]), width];
          const sketch = rowProgram(n * groups);
          const table = randomWeight(random, "f32", [sketch.shape.vocabSize, n * groups]);
          const weight = randomWeight(random, dtype, [n]);
          const x = sketch.embed(table);
          const out = random.pick([x, sketch.buffer(n * groups)]);
          sketch.push({ op: "rmsNorm", out, x, weight: sketch.weight(weight), eps });
          sketch.readOut(out);
          const error = await check(sketch, random, n * groups, (token) => {
            const values = row(table, token);
            const scales = Array.from({ length: groups }, (_, g) => {
              const squares = values.subarray(g * n, (g + 1) * n).reduce((sum, x) => sum + x * x, 0);
              return 1 / Math.sqrt(squares / n + eps);
            });
            return values.map((x, i) => x * scales[Math.floor(i / n)]! * weight.values[i % n]!);
          });
          expect(error, `width ${n} in ${groups} groups`).toBeLessThan(tolerance.rmsNorm);
        }
      },
    );

    it.each(dtypes)("linear with %s weights, with and without bias and residual", async (dtype) => {
      const random = new Random(4);
      for (const inWidth of widths) {
        const outWidth = random.pick(widths);
        const [withBias, withResidual] = [random.next() < 0.5, random.next() < 0.5];
        const sketch = rowProgram(outWidth);
        const { vocabSize } = sketch.shape;
        const table = randomWeight(random, "f32", [vocabSize, inWidth]);
        const residuals = randomWeight(random, "f32", [vocabSize, outWidth]);
        const weight = randomWeight(random, dtype, [outWidth, inWidth]);
        const bias = randomWeight(random, dtype, [outWidth]);
        const x = sketch.embed(table);
        const residual = sketch.embed(residuals);
        const out = withResidual ? random.pick([residual, sketch.buffer(outWidth)]) : sketch.buffer(outWidth);
        sketch.push({
          op: "linear",
          out,
          x,
          weight: sketch.weight(weight),
          ...(withBias ? { bias: sketch.weight(bias) } : {}),
          ...(withResidual ? { residual } : {}),
        });
        sketch.readOut(out);
        const error = await check(sketch, random, outWidth, (token) =>
          Float64Array.from({ length: outWidth }, (_, o) => {
            const product = row(table, token).reduce((sum, value, i) => sum + value * row(weight, o)[i]!, 0);
            return (
              product + (withBias ? bias.values[o]! : 0) + (withResidual ? row(residuals, token)[o]! : 0)
            );
          }),
        );
        expect(error, `${inWidth} to ${outWidth}`).toBeLessThan(tolerance.linear);
      }
    });

    it("swiglu and add, also in place", async () => {
      const random = new Random(5);
      for (const width of widths) {
        for (const op of ["swiglu", "add"] as const) {
          const sketch = rowProgram(width);
          const [left, right] = [0, 1].map(() =>
            randomWeight(random, "f32", [sketch.shape.vocabSize, width]),
          );
          left!.data.forEach((value, i) => {
            left!.data[i] = value * random.pick([1, 10]);
            left!.values[i] = left!.data[i]!;
          });
          const [a, b] = [sketch.embed(left!), sketch.embed(right!)];
          const out = random.pick([a, b, sketch.buffer(width)]);
          sketch.push(op === "add" ? { op, out, a, b } : { op, out, gate: a, up: b });
          sketch.readOut(out);
          const error = await check(sketch, random, width, (token) =>
            row(left!, token).map((x, i) => {
              const y = row(right!, token)[i]!;
              return op === "add" ? x + y : (x / (1 + Math.exp(-x))) * y;
            }),
          );
          expect(error, `${op} of width ${width}`).toBeLessThan(tolerance[op]);
        }
      }
    });

    it("swiglu of gates far from zero is what the limits say", async () => {
      const sketch = rowProgram(6);
      const gates = Float32Array.of(-1e30, -200, -90, 90, 200, 1e30);
      const table = {
        dtype: "f32",
        shape: [64, 6],
        data: new Float32Array(64 * 6),
        values: new Float64Array(0),
      } as const;
      table.data.set(gates);
      const gate = sketch.embed(table);
      const up = sketch.embed({ ...table, data: new Float32Array(64 * 6).fill(1) });
      sketch.push({ op: "swiglu", out: gate, gate, up });
      const result = await runRows(device, sketch.readOut(gate), Int32Array.of(0), 6);
      expect(Array.from(result.subarray(3))).toEqual(Array.from(gates.subarray(3)));
      for (const i of [0, 1, 2]) expect(Math.abs(result[i]!)).toBeLessThan(1e-36 * Math.abs(gates[i]!));
    });

    it.each([2, 6, 20, 32, 64, 80, 96, 128, 256])("rope of heads of %i elements", async (headDim) => {
      const random = new Random(headDim);
      for (const interleaved of [false, true]) {
        const heads = random.integer(1, 3);
        const n = random.pick([headDim / 2, random.integer(1, headDim / 2)]);
        const rope: Rope = {
          inverseFrequencies: Float64Array.from({ length: n }, (_, i) => 10000 ** (-i / n)),
          scale: random.pick([1, 1.2]),
          interleaved,
        };
        const position = random.pick([0, 7, 100_000]);
        const { sketch, table, width } = ropeProgram(random, headDim, heads, rope);
        const error = await check(
          sketch,
          random,
          width,
          (token, r) => {
            const x = row(table, token);
            const pair = (i: number) => (interleaved ? [2 * i, 2 * i + 1] : [i, i + n]) as [number, number];
            const turned = x.slice();
            for (let at = 0; at < width; at += headDim) {
              for (let i = 0; i < n; i++) {
                const angle = (position + r) * rope.inverseFrequencies[i]!;
                const [a, b] = pair(i).map((e) => e + at) as [number, number];
                turned[a] = rope.scale * (x[a]! * Math.cos(angle) - x[b]! * Math.sin(angle));
                turned[b] = rope.scale * (x[a]! * Math.sin(angle) + x[b]! * Math.cos(angle));
              }
            }
            return turned;
          },
          position,
        );
        expect(error, `${heads} heads, ${n} pairs, position ${position}`).toBeLessThan(tolerance.rope);
      }
    });

    it("dynamic rope turns a row by the base of its own position", async () => {
      const [random, headDim, n] = [new Random(6), 8, 4];
      const dynamic = { base: 10000, factor: 2, maxPositions: 20 };
      const inverseFrequencies = Float64Array.from({ length: n }, (_, i) => dynamic.base ** (-i / n));
      const rope = { inverseFrequencies, scale: 1, interleaved: false, dynamic };
      const { sketch, table } = ropeProgram(random, headDim, 1, rope);
      for (const position of [0, 15, 30]) {
        const error = await check(
          sketch,
          random,
          headDim,
          (token, r) => {
            const p = position + r;
            const stretched = 10000 * ((2 * (p + 1)) / 20 - 1) ** (8 / 6);
            const base = p < 20 ? 10000 : stretched;
            const x = row(table, token);
            return x.map((value, e) => {
              const angle = p * base ** (-(2 * (e % n)) / 8);
              return value * Math.cos(angle) + (e < n ? -x[e + n]! : x[e - n]!) * Math.sin(angle);
            });
          },
          position,
        );
        expect(error, `position ${position}`).toBeLessThan(tolerance.rope);
      }
    });
  });
}

/** For ops on rows of `width` elements; keys and values play no part. */
function rowProgram(width: number): ProgramSketch {
  return new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize: Math.max(64, width) });
}

function ropeProgram(random: Random, headDim: number, heads: number, rope: Rope) {
  const width = headDim * heads;
  const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim, vocabSize: Math.max(64, width) });
  const table = randomWeight(random, "f32", [sketch.shape.vocabSize, width]);
  const x = sketch.embed(table);
  const out = random.pick([x, sketch.buffer(width)]);
  sketch.push({ op: "rope", out, x, rope: sketch.rope(rope) });
  return { sketch: sketch.readOut(out), table, width };
}

function row({ values, shape }: Weight, index: number): Float64Array {
  return values.subarray(index * shape[1]!, (index + 1) * shape[1]!);
}
