import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { blockFormat, type QuantDType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, runRows, sameBits } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { quantDecoder } from "./quant-decoder.ts";
import { hostileQuantWeight, packed, quantDTypes, randomQuantWeight } from "./quant-weight.ts";
import { Random } from "./random.ts";
import { roundedRow, roundingSteps } from "./rounded-row.ts";
import { f32Weight, randomWeight, type Weight } from "./weight.ts";

const outWidths = [1, 2, 15, 16, 17, 31, 33, 48, 64, 70];

/** Products with quantised weights. */
export function quantLinearCases({ name, open, precision }: Implementation): void {
  describe(`${name}: quantised products`, () => {
    /** Of the largest weight times the sum of the activations' magnitudes: f32 sums of up to 32 blocks. */
    const sumError = precision === "double" ? 2e-7 : 1.5e-6;
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each(quantDTypes)("linear with %s weights is the exact product of rounded rows", async (dtype) => {
      const random = new Random(101);
      for (const rows of [1, 2, 7, 11, 17]) {
        const inWidth =
          blockFormat[dtype].values * random.integer(1, blockFormat[dtype].values === 32 ? 9 : 3);
        const outWidth = random.pick(outWidths);
        const [withBias, withResidual] = [random.next() < 0.5, random.next() < 0.5];
        const sketch = rowProgram(outWidth);
        const table = activations(random, inWidth, sketch.shape.vocabSize);
        const residuals = randomWeight(random, "f32", [sketch.shape.vocabSize, outWidth]);
        const weight = randomQuantWeight(random, dtype, [outWidth, inWidth]);
        const bias = randomWeight(random, "f32", [outWidth]);
        const [x, residual] = [sketch.embed(table), sketch.embed(residuals)];
        const out = withResidual ? random.pick([residual, sketch.buffer(outWidth)]) : sketch.buffer(outWidth);
        sketch.push({
          op: "linear",
          out,
          x,
          weight: sketch.weight(packed(weight)),
          ...(withBias ? { bias: sketch.weight(bias) } : {}),
          ...(withResidual ? { residual } : {}),
        });
        const tokens = random.integers(rows, 0, sketch.shape.vocabSize - 1);
        const actual = await runRows(device, sketch.readOut(out), tokens, outWidth);
        const what = `${rows} rows, ${inWidth} to ${outWidth}`;
        // Of the error that is allowed, how much the worst output has.
        let [exact, near] = [0, 0];
        for (const [r, token] of tokens.entries()) {
          const given = row(table, token);
          const [rounded, steps] = [roundedRow(given), roundingSteps(given)];
          for (let o = 0; o < outWidth; o++) {
            const weights = row(weight, o);
            const added = (withBias ? bias.values[o]! : 0) + (withResidual ? row(residuals, token)[o]! : 0);
            const found = actual[r * outWidth + o]! - added;
            const slack = sumError * (largest(weights) * total(rounded) + Math.abs(added)) + 1e-38;
            exact = Math.max(exact, Math.abs(found - dot(weights, rounded)) / slack);
            // Weights of every type are multiplied as they are: what 8 bits cost a row is all that is lost.
            const cost = dot(weights.map(Math.abs), steps) * (1 + 1e-6) + slack;
            near = Math.max(near, Math.abs(found - dot(weights, given)) / cost);
          }
        }
        expect(exact, what).toBeLessThanOrEqual(1);
        expect(near, what).toBeLessThanOrEqual(1);
      }
    });

    it.each(quantDTypes)(
      "rounding rows costs %s products less than 1 in 100 of their size",
      async (dtype) => {
        const random = new Random(102);
        const [inWidth, outWidth] = [512, 64];
        const sketch = rowProgram(outWidth);
        const table = randomWeight(random, "f32", [64, inWidth]);
        const weight = randomQuantWeight(random, dtype, [outWidth, inWidth]);
        sketch.readOut(sketch.linear(sketch.embed(table), packed(weight)));
        const tokens = random.integers(20, 0, 63);
        const actual = await runRows(device, sketch, tokens, outWidth);
        let [squares, errors] = [0, 0];
        for (const [r, token] of tokens.entries()) {
          for (let o = 0; o < outWidth; o++) {
            const expected = dot(row(weight, o), row(table, token));
            squares += expected ** 2;
            errors += (actual[r * outWidth + o]! - expected) ** 2;
          }
        }
        expect(Math.sqrt(errors / squares)).toBeLessThan(0.01);
      },
    );

    it("linear asks for nothing where there are no output rows", async () => {
      const random = new Random(103);
      for (const dtype of quantDTypes) {
        const sketch = rowProgram(64);
        const x = sketch.embed(randomWeight(random, "f32", [64, 256]));
        const gathered = sketch.buffer(256, "outputs");
        sketch.push({ op: "gatherOutputs", out: gathered, x });
        const weight = packed(randomQuantWeight(random, dtype, [64, 256]));
        sketch.logits(sketch.linear(gathered, weight));
        using decoding = new Decoding(device, sketch, {}, undefined, await sketch.compilePackedOn(device));
        const step = {
          tokens: random.integers(3, 0, 63),
          sequences: [decoding.sequence().next(3)],
          outputs: new Int32Array(0),
          returnLogits: true,
        };
        expect((await decoding.executable.run(decoding.memory, step)).logits).toHaveLength(0);
      }
    });

    it.each([...quantDTypes, "f32", "f16", "bf16"] as const)(
      "gated with %s weights is linear, linear and swiglu, bit by bit",
      async (dtype) => {
        const random = new Random(104);
        for (const rows of [1, 2, 9, 40, 46]) {
          const [inWidth, outWidth] = [256 * random.integer(1, 2), random.pick(outWidths)];
          const matrix = () =>
            dtype === "f32" || dtype === "f16" || dtype === "bf16"
              ? randomWeight(random, dtype, [outWidth, inWidth])
              : packed(randomQuantWeight(random, dtype, [outWidth, inWidth]));
          const [gate, up] = [matrix(), matrix()];
          const table = activations(random, inWidth, Math.max(64, outWidth));
          const apart = rowProgram(outWidth);
          const x = apart.embed(table);
          const [g, u] = [apart.linear(x, gate), apart.linear(x, up)];
          apart.push({ op: "swiglu", out: g, gate: g, up: u });
          const together = rowProgram(outWidth);
          const out = together.buffer(outWidth);
          together.push({
            op: "gated",
            x: together.embed(table),
            out,
            gate: together.weight(gate),
            up: together.weight(up),
          });
          const tokens = random.integers(rows, 0, 63);
          const expected = await runRows(device, apart.readOut(g), tokens, outWidth);
          const actual = await runRows(device, together.readOut(out), tokens, outWidth);
          expect(sameBits(actual, expected), `${rows} rows, ${inWidth} to ${outWidth}`).toBe(true);
        }
      },
    );

    it.each(quantDTypes)(
      "%s: a row that is not finite is NaN, and the others do not notice",
      async (dtype) => {
        const random = new Random(105);
        const [inWidth, outWidth] = [512, 33];
        const table = randomWeight(random, "f32", [64, inWidth]);
        const weight = packed(randomQuantWeight(random, dtype, [outWidth, inWidth]));
        const run = async (given: Weight) => {
          const sketch = rowProgram(outWidth);
          const tokens = Int32Array.from({ length: 12 }, (_, i) => i);
          return runRows(
            device,
            sketch.readOut(sketch.linear(sketch.embed(given), weight)),
            tokens,
            outWidth,
          );
        };
        const clean = await run(table);
        const spoiled = f32Weight(table.shape, Float32Array.from(table.values));
        spoiled.data[3 * inWidth + 70] = Number.NaN;
        spoiled.data[7 * inWidth] = Infinity;
        spoiled.data[8 * inWidth + inWidth - 1] = -Infinity;
        const actual = await run(spoiled);
        for (let r = 0; r < 12; r++) {
          const [found, before] = [actual, clean].map((all) =>
            all.subarray(r * outWidth, (r + 1) * outWidth),
          );
          if ([3, 7, 8].includes(r)) expect(found!.every(Number.isNaN), `row ${r}`).toBe(true);
          else expect(sameBits(found!, before!), `row ${r}`).toBe(true);
        }
      },
    );

    it.each(quantDTypes)(
      "%s: hostile scales give numbers or NaN, and spoil no other output",
      async (dtype) => {
        const random = new Random(106);
        // As many outputs as logits: a product with zeros in between would spread what is not finite.
        const [inWidth, outWidth] = [512, 64];
        const shape = [outWidth, inWidth] as const;
        const hostile = hostileQuantWeight(random, dtype, shape);
        const good = randomQuantWeight(random, dtype, shape);
        // Rows 0 to 16 hostile, in one group of outputs with good ones.
        const half = (hostile.data.length / outWidth) * 17;
        const mixed = Uint8Array.from(good.data);
        mixed.set((hostile.data as Uint8Array).subarray(0, half));
        const table = randomWeight(random, "f32", [64, inWidth]);
        const run = async (weight: Weight) => {
          const sketch = rowProgram(outWidth);
          const tokens = Int32Array.from({ length: 9 }, (_, i) => i);
          const program = sketch.readOut(sketch.linear(sketch.embed(table), packed(weight)));
          return runRows(device, program, tokens, outWidth);
        };
        const [expected, actual] = [await run(good), await run({ ...good, data: mixed })];
        for (let at = 0; at < actual.length; at += outWidth) {
          const [found, before] = [actual, expected].map((all) => all.subarray(at + 17, at + outWidth));
          expect(sameBits(found!, before!)).toBe(true);
        }
      },
    );

    it.each<QuantDType>(["q8_0", "q4_0", "q4_k", "q6_k"])(
      "rows of a %s decoder have the same bits alone, in chunks, and among others",
      async (dtype) => {
        const random = new Random(107);
        const sketch = quantDecoder(108, dtype);
        const tokens = random.integers(37, 0, 49);
        using executable = await sketch.compilePackedOn(device);
        const fresh = (scatter?: number) => new Decoding(device, sketch, { pages: 256 }, scatter, executable);
        const whole = await fresh().inChunks(fresh().sequence(), tokens, tokens.length);
        expect(whole.every(Number.isFinite)).toBe(true);
        for (const size of [1, 2, 7, 16]) {
          const decoding = fresh(size);
          expect(sameBits(await decoding.inChunks(decoding.sequence(), tokens, size), whole)).toBe(true);
        }
        const decoding = fresh(5);
        const [one, other] = [decoding.sequence(), decoding.sequence()];
        const parts = [
          (await decoding.step([other, random.integers(5, 0, 49)], [one, tokens.subarray(0, 20)]))[1]!,
          (await decoding.step([one, tokens.subarray(20, 21)], [other, random.integers(1, 0, 49)]))[0]!,
          (await decoding.step([other, random.integers(3, 0, 49)], [one, tokens.subarray(21)]))[1]!,
        ];
        expect(sameBits(Float32Array.from(parts.flatMap((part) => Array.from(part))), whole)).toBe(true);
      },
    );
  });
}

/** One level with different numbers of threads: the same bits. */
export function sameQuantBitsCases(one: Implementation, two: Implementation): void {
  it.each(quantDTypes)(`${one.name} and ${two.name} give the same bits (%s weights)`, async (dtype) => {
    const sketch = quantDecoder(109, dtype);
    const tokens = new Random(110).integers(70, 0, 49);
    const results: Float32Array[][] = [];
    for (const { open } of [one, two]) {
      using device = open();
      using decoding = new Decoding(device, sketch, {}, undefined, await sketch.compilePackedOn(device));
      const sequence = decoding.sequence();
      results.push([
        ...(await decoding.step([sequence, tokens.subarray(0, 40)])),
        ...(await decoding.step([decoding.sequence(), tokens], [sequence, tokens.subarray(40, 41)])),
      ]);
    }
    expect(results[1]).toEqual(results[0]);
  });
}

function rowProgram(width: number): ProgramSketch {
  return new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize: Math.max(64, width) });
}

/** Blocks of 32 of all sizes: zeros, next to zero, huge, and halves between two steps. */
function activations(random: Random, width: number, rows: number): Weight {
  const data = new Float32Array(rows * width);
  for (let start = 0; start < data.length; start += 32) {
    const scale = random.pick([0, 1e-38, 1e-44, 1e-3, 1, 1, 1, 100]);
    const halves = random.next() < 0.2;
    for (let i = 0; i < 32; i++) {
      data[start + i] = halves ? random.integer(-254, 254) / 2 : random.normal() * scale;
    }
    if (halves) data[start] = 127;
  }
  return f32Weight([rows, width], data);
}

function row({ values, shape }: Weight, index: number): Float64Array {
  return values.subarray(index * shape[1]!, (index + 1) * shape[1]!);
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}

function largest(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
}

function total(values: Float64Array): number {
  return values.reduce((a, b) => a + Math.abs(b), 0);
}
