import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { blockFormat, type DType, isQuantDType, type WeightDType } from "../src/dtype.ts";
import { quantizeRows, quantizeTargets } from "../src/quant/quantize-rows.ts";
import type { Tensor } from "../src/tensor.ts";
import { type Implementation, runRows, sameBits } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { packed, quantDTypes, quantWeight, randomQuantWeight } from "./quant-weight.ts";
import { Random } from "./random.ts";
import { randomWeight, valueOfBfloat, valueOfHalf, type Weight } from "./weight.ts";

const shape = { kvLayers: 1, kvHeads: 1, headDim: 2 };
const recordings = join(import.meta.dirname, "quant");

/** Quantised tensors: what their blocks stand for, and how they are packed. */
export function quantPackCases({ name, open }: Implementation): void {
  describe(`${name}: quantised tensors`, () => {
    let device: Device;
    let folder: string;
    beforeAll(async () => {
      device = open();
      folder = await mkdtemp(join(tmpdir(), "kvasir-"));
    });
    afterAll(async () => {
      device.dispose();
      await rm(folder, { recursive: true });
    });

    it.each<WeightDType>([...quantDTypes, "f16", "bf16"])(
      "embed gives the values recorded for %s, bit by bit",
      async (dtype) => {
        const { data, values } = await recorded(dtype);
        // As wide as there are logits, so that nothing but copies comes after: 8 rows, 32 times.
        const repeated = new Uint8Array(32 * data.length);
        for (let i = 0; i < 32; i++) repeated.set(data, i * data.length);
        const bits = isQuantDType(dtype) ? repeated : new Uint16Array(repeated.buffer);
        const sketch = new ProgramSketch({ ...shape, vocabSize: 256 });
        const table = { dtype, shape: [256, 256], data: bits, values: new Float64Array(0) };
        const tokens = Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 255, 128);
        const actual = await runRows(device, sketch.readOut(sketch.embed(table)), tokens, 256);
        const rows = Array.from(tokens, (token) =>
          Array.from(values.subarray((token % 8) * 256).subarray(0, 256)),
        );
        expect(sameBits(actual, Float32Array.from(rows.flat()))).toBe(true);
      },
    );

    it.each(quantDTypes)("%s tensors may begin at any byte of a file, packed or not", async (dtype) => {
      const random = new Random(121);
      const weight = randomQuantWeight(random, dtype, [64, 256]);
      const inputs = randomWeight(random, "f32", [64, 256]);
      const tokens = Int32Array.of(0, 63, 5);
      const [embedding, product] = [
        await runRows(device, embedSketch(weight), tokens, 64),
        await runRows(device, linearSketch(inputs, packed(weight)), tokens, 64),
      ];
      for (const start of [0, 5, 34]) {
        const path = join(folder, `${dtype}-${start}`);
        await writeFile(path, Uint8Array.from([...new Uint8Array(start), ...weight.data, 7]));
        const file = await device.mapFile(path);
        const table = file.tensor(dtype, [64, 256], start);
        const view = file.tensor(dtype, [64, 256], start);
        file.dispose();
        using laidOut = await device.pack(view);
        view.dispose();
        expect([table.packed, laidOut.packed, laidOut.dtype, laidOut.shape]).toEqual([
          false,
          true,
          dtype,
          [64, 256],
        ]);
        expect(table.bytes).toBe(weight.data.byteLength);
        expect(laidOut.bytes).toBeGreaterThanOrEqual(64 * 256 * 0.5);
        expect(await runWith(embedSketch(weight), 0, table, tokens)).toEqual(embedding);
        expect(await runWith(linearSketch(inputs, packed(weight)), 1, laidOut, tokens)).toEqual(product);
        table.dispose();
      }
    });

    it.each(
      quantizeTargets.flatMap((to) => (["f32", "f16", "bf16"] as const).map((from) => [from, to] as const)),
    )("packing %s as %s is packing what quantizeRows gives", async (from, to) => {
      const random = new Random(122);
      for (const outWidth of [1, 16, 37, 64]) {
        const inWidth = blockFormat[to].values * random.integer(1, 3);
        const weight = randomWeight(random, from, [outWidth, inWidth]);
        spread(random, weight);
        const inputs = randomWeight(random, "f32", [64, inWidth]);
        const blocks = quantizeRows(to, Float32Array.from(weight.values));
        const tokens = random.integers(5, 0, 63);
        const expected = linearSketch(inputs, packed(quantWeight(to, [outWidth, inWidth], blocks)));
        const actual = linearSketch(inputs, packed(weight, to));
        expect(await runRows(device, actual, tokens, outWidth)).toEqual(
          await runRows(device, expected, tokens, outWidth),
        );
      }
    });

    it("packing outlives its weight, its file, and its device's dispose", async () => {
      const random = new Random(123);
      const weight = randomQuantWeight(random, "q4_k", [64, 1024]);
      const inputs = randomWeight(random, "f32", [64, 1024]);
      const path = join(folder, "disposed");
      await writeFile(path, weight.data);
      const file = await device.mapFile(path);
      const views = [file.tensor("q4_k", [64, 1024], 0), device.tensor("q4_k", [64, 1024], weight.data)];
      const packings = views.map((view) => device.pack(view));
      for (const disposable of [...views, file]) disposable.dispose();
      const tokens = Int32Array.of(1, 2);
      const expected = await runRows(device, linearSketch(inputs, packed(weight)), tokens, 64);
      for (const tensor of await Promise.all(packings)) {
        expect(await runWith(linearSketch(inputs, packed(weight)), 1, tensor, tokens)).toEqual(expected);
        tensor.dispose();
        tensor.dispose();
      }
      const own = open();
      const packing = own.pack(own.tensor("q4_k", [64, 1024], weight.data));
      own.dispose();
      (await packing).dispose();
      await expect(own.pack(views[0]!)).rejects.toMatchObject({ code: "disposed" });
    });

    it("packing what cannot be packed says why", async () => {
      using other = open();
      using f32 = device.tensor("f32", [2, 64], new Float32Array(128));
      using vector = device.tensor("f32", [64], new Float32Array(64));
      using blocks = device.tensor("q5_0", [2, 64], new Uint8Array(88));
      using foreign = other.tensor("q5_0", [2, 64], new Uint8Array(88));
      using done = await device.pack(blocks);
      const gone = device.tensor("q5_0", [2, 64], new Uint8Array(88));
      gone.dispose();
      const pack = (weight: Tensor, dtype?: unknown) => device.pack(weight, dtype as "q8_0");
      const refused = (work: Promise<unknown>, message: RegExp, code = "invalid-argument") =>
        expect(work).rejects.toMatchObject({
          name: "KernelError",
          code,
          message: expect.stringMatching(message),
        });
      await refused(pack(f32), /dtype is undefined; expected one of q8_0, q4_0, q4_k/);
      await refused(pack(f32, "q6_k"), /dtype is q6_k; expected one of q8_0, q4_0, q4_k/);
      await refused(pack(f32, "f16"), /dtype is f16/);
      await refused(
        pack(f32, "q4_k"),
        /weight is \[2,64\]; expected two dimensions, the second a multiple of 256/,
      );
      await refused(pack(vector, "q8_0"), /weight is \[64\]; expected two dimensions/);
      await refused(pack(blocks, "q8_0"), /dtype is q8_0; a q5_0 weight can only be packed as it is/);
      await refused(pack(done), /weight is packed already/);
      await refused(pack(foreign), /weight is of another device/);
      await refused(pack({ ...blocks }), /weight is of another device/);
      await refused(pack(gone), /the tensor is disposed/, "disposed");
    });

    async function runWith(sketch: ProgramSketch, index: number, tensor: Tensor, tokens: Int32Array) {
      const program = await sketch.packedOn(device);
      using executable = device.compile({ ...program, tensors: program.tensors.with(index, tensor) });
      for (const own of program.tensors) own.dispose();
      using memory = device.pageMemory({ pages: 1, pageTokens: 16, headDim: 2, dtype: "f32" });
      const sequence = {
        rows: tokens.length,
        position: 0,
        resident: Int32Array.of(0),
        pages: Int32Array.of(0),
        sinks: 0,
      };
      const outputs = Int32Array.from(tokens.keys());
      const step = { tokens, sequences: [sequence], outputs, returnLogits: true };
      return (await executable.run(memory, step)).logits!;
    }
  });
}

/** 64 columns of a table of 64 rows. */
function embedSketch(table: Weight): ProgramSketch {
  const sketch = new ProgramSketch({ ...shape, vocabSize: 64 });
  const x = sketch.embed(table);
  const pick = new Float32Array(64 * 256);
  for (let i = 0; i < 64; i++) pick[i * 256 + 4 * i] = 1;
  return sketch.readOut(
    sketch.linear(x, { dtype: "f32", shape: [64, 256], data: pick, values: Float64Array.from(pick) }),
  );
}

/** Tensor 0 is the table of inputs, tensor 1 the weight. */
function linearSketch(inputs: Weight, weight: Weight): ProgramSketch {
  const sketch = new ProgramSketch({ ...shape, vocabSize: 64 });
  return sketch.readOut(sketch.linear(sketch.embed(inputs), weight));
}

/** Blocks of zeros, of one value, of one sign, large and small, so that every branch of the rounding is met. */
function spread(random: Random, { dtype, data, values }: Weight): void {
  for (let start = 0; start < values.length; start += 32) {
    const kind = random.integer(0, 5);
    for (let i = start; i < start + 32; i++) {
      if (kind === 0) data[i] = 0;
      if (kind === 1) data[i] = data[start]!;
      // The sign is the top bit, or what Math.abs clears.
      if (kind === 2) data[i] = dtype === "f32" ? Math.abs(data[i]!) : data[i]! & 0x7fff;
      if (kind === 3 && dtype === "f32") data[i] = data[i]! * 1e-6;
    }
    for (let i = start; i < start + 32; i++) values[i] = numberOf(dtype as DType, data[i]!);
  }
}

function numberOf(dtype: DType, bits: number): number {
  return dtype === "f32" ? bits : dtype === "f16" ? valueOfHalf(bits) : valueOfBfloat(bits);
}

async function recorded(dtype: WeightDType): Promise<{ data: Uint8Array; values: Float32Array }> {
  const file = join(recordings, dtype.toUpperCase());
  const [data, values] = await Promise.all([readFile(`${file}.bin`), readFile(`${file}.f32`)]);
  return { data: Uint8Array.from(data), values: new Float32Array(Uint8Array.from(values).buffer) };
}
