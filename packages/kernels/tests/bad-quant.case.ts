import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { blockFormat } from "../src/dtype.ts";
import type { Instruction } from "../src/program.ts";
import { type Implementation, refusal } from "./implementation.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { quantDecoder } from "./quant-decoder.ts";
import { packed, quantDTypes, randomQuantWeight } from "./quant-weight.ts";
import { Random } from "./random.ts";
import { f32Weight } from "./weight.ts";

type Fields = Record<string, unknown>;

const decoder = quantDecoder(141, "q4_0");

/** Quantised tensors where they do not belong. */
export function badQuantCases({ name, open }: Implementation): void {
  describe(`${name}: bad quantised tensors`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it("tensors of half a block, of one dimension, or of other data", () => {
      const refused = (...parameters: unknown[]) =>
        refusal(() => device.tensor(...(parameters as Parameters<Device["tensor"]>)));
      for (const dtype of quantDTypes) {
        const { values, bytes } = blockFormat[dtype];
        expect(refused(dtype, [2, values / 2], new Uint8Array(bytes))).toMatch(
          `shape is [2,${values / 2}]; expected two dimensions, the second a multiple of ${values}, for ${dtype}`,
        );
        expect(refused(dtype, [values], new Uint8Array(bytes))).toMatch(/expected two dimensions/);
        expect(refused(dtype, [1, values], new Uint8Array(bytes - 1))).toMatch(
          `data has ${bytes - 1} elements; expected ${bytes}`,
        );
        expect(refused(dtype, [1, values], new Uint16Array(bytes))).toMatch(/must be a Uint8Array/);
        expect(refused(dtype, [2 ** 31 - 1, values * 2 ** 22], new Uint8Array(1))).toMatch(/shape is/);
      }
      expect(refused("f32", [1, 4], new Uint8Array(16))).toMatch(/must be a Float32Array/);
      expect(refused("q3_k", [1, 256], new Uint8Array(110))).toMatch(
        /dtype is q3_k; expected one of f32, f16/,
      );
      expect(refused("toString", [1, 256], new Uint8Array(110))).toMatch(/dtype is toString/);
    });

    it("views of a file that end past it", async () => {
      using file = await device.mapFile(import.meta.filename);
      for (const dtype of quantDTypes) {
        const { values, bytes } = blockFormat[dtype];
        file.tensor(dtype, [1, values], file.size - bytes).dispose();
        for (const [shape, offset] of [
          [[1, values], file.size - bytes + 1],
          [[2 ** 31 - 1, values], 0],
          [[1, values / 2], 0],
          [[1, 0], 0],
        ] as const) {
          expect(refusal(() => file.tensor(dtype, shape, offset))).toMatch(/offset is|shape/);
        }
      }
    });

    it("pages in blocks", () => {
      const spec = { pages: 4, pageTokens: 16, headDim: 32, dtype: "q8_0" as "f32" };
      expect(refusal(() => device.pageMemory(spec))).toMatch(/dtype is q8_0; expected f32, f16 or bf16/);
    });

    it.each<[Instruction["op"], Fields, RegExp]>([
      ["embed", { table: 2 }, /table is tensor 2, which is packed; expected one that is not/],
      ["rmsNorm", { weight: 2 }, /weight is tensor 2 of dtype q4_0; expected f32, f16 or bf16/],
      [
        "linear",
        { weight: 0 },
        /weight is tensor 0 of dtype q4_0, not packed; expected it packed \(Device\.pack\)/,
      ],
      ["linear", { weight: 3 }, /weight is tensor 3 \[128,256\]; expected \[256,256\]/],
      ["linear", { bias: 2 }, /bias is tensor 2 of dtype q4_0; expected f32, f16 or bf16/],
      ["linear", { bias: 0 }, /bias is tensor 0 of dtype q4_0/],
      ["gated", { gate: 0 }, /gate is tensor 0 of dtype q4_0, not packed/],
      ["gated", { up: 2 }, /up is tensor 2 \[256,256\]; expected \[96,256\]/],
      ["gated", { up: 99 }, /up is 99; expected an integer from 0 to/],
      ["gated", { x: 99 }, /x is 99/],
      ["writeKv", { rope: 1 }, /rope is 1; expected an integer from 0 to 0/],
      ["writeKv", { rope: -1 }, /rope is -1; expected an integer from 0 to 0/],
    ])("an instruction %s with %j", async (op, fields, message) => {
      const index = decoder.instructions.findIndex((instruction) => instruction.op === op);
      const program = await decoder.packedOn(device);
      const instructions = program.instructions.with(index, {
        ...program.instructions[index]!,
        ...fields,
      } as Instruction);
      const text = refusal(() => device.compile({ ...program, instructions }));
      for (const tensor of program.tensors) tensor.dispose();
      expect(text).toMatch(message);
      expect(text).toContain(`instruction ${index} (${op})`);
    });

    it("a gated product in place, or of two dtypes", async () => {
      const random = new Random(142);
      const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize: 256 });
      const x = sketch.embed(f32Weight([256, 256], new Float32Array(65536)));
      const weights = (["q8_0", "q4_k"] as const).map((dtype) =>
        sketch.weight(packed(randomQuantWeight(random, dtype, [256, 256]))),
      );
      const float = sketch.weight(f32Weight([256, 256], new Float32Array(65536)));
      const out = sketch.buffer(256);
      const program = await sketch.readOut(x).packedOn(device);
      const refused = (fields: Fields) => {
        const gated = { op: "gated", x, out, gate: weights[0]!, up: weights[0]!, ...fields } as Instruction;
        return refusal(() =>
          device.compile({ ...program, instructions: program.instructions.toSpliced(1, 0, gated) }),
        );
      };
      expect(refused({})).toBe("nothing was refused");
      expect(refused({ out: x })).toMatch(/out is buffer 0; expected another buffer than x/);
      expect(refused({ up: weights[1] })).toMatch(/up is tensor 2 of dtype q4_k; expected q8_0, as gate is/);
      expect(refused({ gate: float })).toMatch(/up is tensor 1 of dtype q8_0; expected f32, as gate is/);
      for (const tensor of program.tensors) tensor.dispose();
    });
  });
}
