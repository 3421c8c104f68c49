import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { Instruction, Program } from "../src/program.ts";
import { type Implementation, refusal } from "./implementation.ts";
import { tinyDecoder } from "./tiny-model.ts";

type Fields = Record<string, unknown>;

const sketch = tinyDecoder(61);

/** A program that cannot run is refused, and the error names what was wrong. */
export function badProgramCases({ name, open }: Implementation): void {
  describe(`${name}: bad programs`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each<[string, RegExp, (program: Program) => Fields]>([
      ["no KV layers", /kvLayers is 0/, () => ({ kvLayers: 0 })],
      ["half a KV head", /kvHeads is 1\.5/, () => ({ kvHeads: 1.5 })],
      ["an odd headDim", /headDim is 7/, () => ({ headDim: 7 })],
      ["a negative vocabulary", /vocabSize is -1/, () => ({ vocabSize: -1 })],
      [
        "a buffer of no width",
        /buffers\[2\]\.width is 0/,
        (p) => ({ buffers: replaced(p.buffers, 2, { width: 0 }) }),
      ],
      [
        "a buffer of unknown rows",
        /buffers\[1\]\.rows is heads/,
        (p) => ({ buffers: replaced(p.buffers, 1, { rows: "heads" }) }),
      ],
      ["logits in a buffer that is not there", /buffer is 99.*0 to/, () => ({ logits: 99 })],
      [
        "logits in rows of tokens",
        /logits: buffer is buffer 0 with rows tokens; expected rows outputs/,
        () => ({ logits: 0 }),
      ],
      [
        "NaN frequencies",
        /ropes\[0\]\.inverseFrequencies\[0\] is NaN/,
        () => ropes({ inverseFrequencies: Float64Array.of(Number.NaN) }),
      ],
      [
        "more pairs than a head has",
        /ropes\[0\]\.inverseFrequencies\.length is 5/,
        () => ropes({ inverseFrequencies: new Float64Array(5) }),
      ],
      [
        "a dynamic rope that shrinks",
        /ropes\[0\]\.dynamic\.factor is 0\.5/,
        () => ropes({ dynamic: { base: 1e4, factor: 0.5, maxPositions: 9 } }),
      ],
      [
        "a tensor that is none",
        /tensors\[3\]/,
        (p) => ({ tensors: p.tensors.with(3, { ...p.tensors[3]! }) }),
      ],
    ])("a program with %s", (_, message, change) => {
      expect(refusal(() => compile((program) => ({ ...program, ...change(program) })))).toMatch(message);
    });

    it.each<[Instruction["op"], Fields, RegExp]>([
      ["embed", { table: 99 }, /table is 99; expected an integer from 0 to/],
      ["embed", { table: 1 }, /table is tensor 1 \[24\]; expected \[50,24\]/],
      ["embed", { out: -1 }, /out is -1/],
      ["rmsNorm", { weight: 0 }, /weight is tensor 0 \[50,24\]; expected one dimension that divides 24/],
      ["rmsNorm", { eps: Number.NaN }, /eps is NaN/],
      ["rmsNorm", { x: 9 }, /x is buffer 9; expected one that was written before/],
      ["linear", { weight: 0 }, /weight is tensor 0 \[50,24\]; expected \[32,24\]/],
      ["linear", { bias: 0 }, /bias is tensor 0/],
      ["linear", { out: 1 }, /out is buffer 1; expected another buffer than x/],
      ["linear", { residual: 0 }, /residual has width 24; expected width 32/],
      ["rope", { rope: 1 }, /rope is 1; expected an integer from 0 to 0/],
      ["writeKv", { kvLayer: 2 }, /kvLayer is 2; expected an integer from 0 to 1/],
      ["writeKv", { k: 0 }, /k has width 24; expected width 16/],
      ["attend", { kvLayer: 1 }, /kvLayer is 1; expected one that was written before/],
      ["attend", { window: -1 }, /window is -1/],
      ["attend", { scale: Infinity }, /scale is Infinity/],
      ["attend", { strict: 1 }, /strict is 1; expected true or false/],
      ["attend", { rope: -1 }, /rope is -1/],
      ["swiglu", { up: 0 }, /up has width 24; expected width 48/],
      ["gatherOutputs", { out: 0 }, /out is buffer 0 with rows tokens; expected rows outputs/],
      ["gatherOutputs", { op: "scatter" }, /op is unknown/],
    ])("an instruction %s with %j", (op, fields, message) => {
      const index = sketch.instructions.findIndex((instruction) => instruction.op === op);
      const text = refusal(() =>
        compile((program) => ({ ...program, instructions: replaced(program.instructions, index, fields) })),
      );
      expect(text).toMatch(message);
      expect(text).toContain(`instruction ${index} (`);
    });

    it.each<[string, Fields, RegExp]>([
      ["a body past the end", { body: 1000 }, /instruction 1 \(iterate\): body is 1000/],
      ["no body", { body: 0 }, /body is 0/],
      ["no passes", { passes: 0 }, /passes is 0/],
      ["a negative tolerance", { tolerance: -1 }, /tolerance is -1/],
      ["a KV layer that is not there", { kvLayers: [7] }, /kvLayers\[0\] is 7/],
      [
        "a KV layer that the body does not write",
        { kvLayers: [0, 1] },
        /kvLayers\[1\] is 1; expected a KV layer that the body writes/,
      ],
      [
        "outputs in its body",
        { body: sketch.instructions.length - 1 },
        /rows outputs; expected rows tokens inside an iterate/,
      ],
    ])("an iterate with %s", (_, fields, message) => {
      const iterate = {
        op: "iterate",
        body: 8,
        passes: 2,
        tolerance: 0,
        kvLayers: [0],
        ...fields,
      } as Instruction;
      expect(
        refusal(() => compile((p) => ({ ...p, instructions: p.instructions.toSpliced(1, 0, iterate) }))),
      ).toMatch(message);
    });

    it("an iterate inside an iterate, and one that writes what it reads from before it", () => {
      const iterate = { op: "iterate", body: 10, passes: 2, tolerance: 0, kvLayers: [0] } as const;
      const nested = [iterate, { ...iterate, body: 8 }];
      expect(
        refusal(() => compile((p) => ({ ...p, instructions: p.instructions.toSpliced(1, 0, ...nested) }))),
      ).toMatch(/instruction 2 \(iterate\): op is inside another iterate/);
      const overwrite: Instruction = { op: "add", out: 0, a: 0, b: 0 };
      expect(
        refusal(() =>
          compile((p) => ({
            ...p,
            instructions: p.instructions.toSpliced(1, 0, { ...iterate, body: 9 }, overwrite),
          })),
        ),
      ).toMatch(
        /instruction 2 \(add\): out is buffer 0; expected one that the iterate's body does not read from before it/,
      );
    });

    function compile(change: (program: Program) => Program) {
      const program = sketch.on(device);
      try {
        return device.compile(change(program));
      } finally {
        for (const tensor of program.tensors) tensor.dispose();
      }
    }
  });
}

function replaced<T>(items: readonly T[], index: number, fields: Fields): T[] {
  return items.with(index, { ...items[index]!, ...fields });
}

function ropes(fields: Fields): Fields {
  return { ropes: [{ ...sketch.ropes[0]!, ...fields }] };
}
