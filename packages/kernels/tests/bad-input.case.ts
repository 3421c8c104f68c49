import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Compaction, Device } from "../src/device.ts";
import { KernelError } from "../src/kernel-error.ts";
import type { Instruction, Program, Rope } from "../src/program.ts";
import type { Sampling, Step } from "../src/step.ts";
import { Decoding } from "./decoding.ts";
import type { Implementation } from "./implementation.ts";
import { Random } from "./random.ts";
import { greedy } from "./sampling.case.ts";
import { tinyDecoder, tinyModel } from "./tiny-model.ts";

type Fields = Record<string, unknown>;

/** Two layers, so that indices of either are told apart. */
const sketch = tinyDecoder(61, { ...tinyModel, vocabSize: 50 });

/** Everything from outside is checked before anything changes, and the error names what was wrong. */
export function badInputCases({ name, open }: Implementation): void {
  describe(`${name}: bad input`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    function refusal(action: () => unknown): string {
      try {
        action();
      } catch (error) {
        expect(error).toBeInstanceOf(KernelError);
        expect((error as KernelError).code).toBe("invalid-argument");
        return (error as KernelError).message;
      }
      return "nothing was refused";
    }

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
        body: 7,
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

    it.each<[string, RegExp, (step: Step) => Fields]>([
      [
        "no tokens",
        /tokens is empty|tokens/,
        () => ({ tokens: new Int32Array(0), sequences: [], outputs: new Int32Array(0) }),
      ],
      [
        "a token past the vocabulary",
        /tokens\[1\] is 50; expected an integer from 0 to 49/,
        () => ({ tokens: Int32Array.of(1, 50, 2) }),
      ],
      ["a negative token", /tokens\[2\] is -1/, () => ({ tokens: Int32Array.of(1, 2, -1) })],
      ["tokens of another type", /tokens is a Array; expected an Int32Array/, () => ({ tokens: [1, 2, 3] })],
      ["more rows than tokens", /sequences\[0\]\.rows is 4/, (s) => sequence(s, { rows: 4 })],
      ["fewer rows than tokens", /tokens has 3 elements; expected 2/, (s) => sequence(s, { rows: 2 })],
      ["no rows", /sequences\[0\]\.rows is 0/, (s) => sequence(s, { rows: 0 })],
      ["a negative position", /sequences\[0\]\.position is -1/, (s) => sequence(s, { position: -1 })],
      [
        "a position that overflows",
        /sequences\[0\]\.position is 2147483647/,
        (s) => sequence(s, { position: 0x7fffffff }),
      ],
      [
        "a position that is NaN",
        /sequences\[0\]\.position is NaN/,
        (s) => sequence(s, { position: Number.NaN }),
      ],
      ["negative sinks", /sequences\[0\]\.sinks is -1/, (s) => sequence(s, { sinks: -1 })],
      [
        "too few residents",
        /sequences\[0\]\.resident has 3 elements; expected 4/,
        (s) => sequence(s, { resident: new Int32Array(3) }),
      ],
      [
        "more residents than positions",
        /resident\[0\] is 1; expected an integer from 0 to 0/,
        (s) => sequence(s, { resident: Int32Array.of(1, 0, 0, 0) }),
      ],
      [
        "negative residents",
        /resident\[3\] is -5/,
        (s) => sequence(s, { resident: Int32Array.of(0, 0, 0, -5) }),
      ],
      [
        "too few pages",
        /sequences\[0\]\.pages has 3 elements; expected 4/,
        (s) => sequence(s, { pages: Int32Array.of(0, 1, 2) }),
      ],
      [
        "a page that is not there",
        /pages\[2\] is 128; expected an integer from 0 to 127/,
        (s) => sequence(s, { pages: Int32Array.of(0, 1, 128, 2) }),
      ],
      ["a negative page", /pages\[0\] is -1/, (s) => sequence(s, { pages: Int32Array.of(-1, 1, 2, 3) })],
      [
        "a page written by two heads",
        /pages\[3\] is page 1, which is written twice/,
        (s) => sequence(s, { pages: Int32Array.of(0, 1, 2, 1) }),
      ],
      ["outputs past the rows", /outputs\[0\] is 3/, () => ({ outputs: Int32Array.of(3) })],
      [
        "outputs in disorder",
        /outputs\[1\] is 0 after 2; expected ascending/,
        () => ({ outputs: Int32Array.of(2, 0) }),
      ],
      ["an output twice", /outputs\[1\] is 2 after 2/, () => ({ outputs: Int32Array.of(2, 2) })],
      [
        "settings for other outputs",
        /sampling has 2 elements; expected 1/,
        () => ({ sampling: [greedy, greedy] }),
      ],
      ["a negative temperature", /sampling\[0\]\.temperature is -1/, () => sampling({ temperature: -1 })],
      [
        "a temperature that f32 does not hold",
        /temperature is 1e-60/,
        () => sampling({ temperature: 1e-60 }),
      ],
      ["a topK of a half", /topK is 0\.5/, () => sampling({ topK: 0.5 })],
      ["a topP of 0", /topP is 0;/, () => sampling({ topP: 0 })],
      ["a topP over 1", /topP is 1\.1/, () => sampling({ topP: 1.1 })],
      ["a minP over 1", /minP is 2/, () => sampling({ minP: 2 })],
      ["a repetition penalty of 0", /repetitionPenalty is 0/, () => sampling({ repetitionPenalty: 0 })],
      [
        "a presence penalty that is NaN",
        /presencePenalty is NaN/,
        () => sampling({ presencePenalty: Number.NaN }),
      ],
      [
        "an infinite frequency penalty",
        /frequencyPenalty is Infinity/,
        () => sampling({ frequencyPenalty: Infinity }),
      ],
      ["a seed of 65 bits", /seed is 18446744073709551616/, () => sampling({ seed: 1n << 64n })],
      ["a negative draw", /draw is -1/, () => sampling({ draw: -1 })],
      [
        "a history past the vocabulary",
        /history\[1\] is 50/,
        () => sampling({ history: Int32Array.of(1, 50) }),
      ],
      [
        "a prompt longer than the history",
        /promptLength is 2/,
        () => sampling({ history: Int32Array.of(1), promptLength: 2 }),
      ],
      [
        "a bias past the vocabulary",
        /biasIds\[0\] is 77/,
        () => sampling({ biasIds: Int32Array.of(77), biasValues: new Float32Array(1) }),
      ],
      [
        "biases without values",
        /biasValues has 0 elements; expected 1/,
        () => sampling({ biasIds: Int32Array.of(7) }),
      ],
      [
        "a bias that is NaN",
        /biasValues\[0\] is NaN/,
        () => sampling({ biasIds: Int32Array.of(7), biasValues: Float32Array.of(Number.NaN) }),
      ],
      ["more alternatives than tokens", /topLogprobs is 51/, () => sampling({ topLogprobs: 51 })],
    ])("a step with %s changes nothing", async (_, message, change) => {
      using decoding = new Decoding(device, sketch);
      const step = validStep();
      const refused = decoding.executable.run(decoding.memory, { ...step, ...change(step) } as Step);
      await expect(refused).rejects.toThrow(KernelError);
      await expect(refused).rejects.toMatchObject({
        code: "invalid-argument",
        message: expect.stringMatching(message),
      });
      const tables = Array.from(step.sequences[0]!.pages, (page) => ({
        pages: Int32Array.of(page),
        slots: 3,
      }));
      const keyNorms = await decoding.memory.readSlots("keyNorm", tables);
      expect(keyNorms.every((norms) => norms.every((norm) => norm === 0))).toBe(true);
    });

    it("sinks of a dynamic rope", async () => {
      const dynamic = { base: 1e4, factor: 2, maxPositions: 64 };
      const rope: Rope = { ...sketch.ropes[0]!, dynamic };
      using executable = compile((program) => ({ ...program, ropes: [rope] }));
      using memory = device.pageMemory({ pages: 128, pageTokens: 16, headDim: 8, dtype: "f32" });
      const step = validStep();
      await expect(
        executable.run(memory, { ...step, ...sequence(step, { sinks: 1 }) } as Step),
      ).rejects.toThrow(/sinks is 1; expected 0/);
    });

    it("a step on pages of another head size or another device", async () => {
      using decoding = new Decoding(device, sketch);
      using wide = device.pageMemory({ pages: 128, pageTokens: 16, headDim: 16, dtype: "f32" });
      await expect(decoding.executable.run(wide, validStep())).rejects.toThrow(/16 elements.*headDim is 8/);
      using other = open();
      using foreign = other.pageMemory({ pages: 128, pageTokens: 16, headDim: 8, dtype: "f32" });
      await expect(decoding.executable.run(foreign, validStep())).rejects.toThrow(/another device/);
    });

    it("tensors whose shape and data disagree", () => {
      const refused = (...parameters: unknown[]) =>
        refusal(() => device.tensor(...(parameters as Parameters<Device["tensor"]>)));
      expect(refused("f32", [2, 3], new Float32Array(5))).toMatch(/data has 5 elements; expected 6/);
      expect(refused("f32", [0], new Float32Array(0))).toMatch(/shape\[0\] is 0/);
      expect(refused("f32", [], new Float32Array(1))).toMatch(/shape is \[\]/);
      expect(refused("f32", [1, 1, 1], new Float32Array(1))).toMatch(/shape is \[1,1,1\]/);
      expect(refused("f16", [2], new Float32Array(2))).toMatch(/Uint16Array/);
      expect(refused("q4", [2], new Uint16Array(2))).toMatch(/dtype is q4/);
      expect(refused("f32", [2 ** 31 - 1, 2 ** 31 - 1], new Float32Array(2))).toMatch(/shape/);
    });

    it.each<[Fields, RegExp]>([
      [{ pages: 0 }, /pages is 0/],
      [{ pages: 2 ** 31 }, /pages is 2147483648/],
      [{ pageTokens: 8 }, /pageTokens is 8; expected 16 or 32/],
      [{ headDim: 9 }, /headDim is 9/],
      [{ headDim: 1026 }, /headDim is 1026/],
      [{ dtype: "f64" }, /dtype is f64/],
    ])("page memory with %j", (fields, message) => {
      const spec = { pages: 4, pageTokens: 16, headDim: 8, dtype: "f32", ...fields } as Parameters<
        Device["pageMemory"]
      >[0];
      expect(refusal(() => device.pageMemory(spec))).toMatch(message);
    });

    it("page operations past the pages, the slots or each other", async () => {
      using memory = device.pageMemory({ pages: 4, pageTokens: 16, headDim: 2, dtype: "f32" });
      const ids = (...pages: number[]) => Int32Array.from(pages);
      const refused = (work: Promise<unknown>, message: RegExp) =>
        expect(work).rejects.toMatchObject({
          code: "invalid-argument",
          message: expect.stringMatching(message),
        });
      const compact = (change: Partial<Compaction>) =>
        memory.compact([{ source: ids(0, 1), keep: ids(1, 20), destination: ids(2), ...change }]);
      await refused(memory.copyPages(ids(0, 4), ids(1, 2)), /from\[1\] is 4/);
      await refused(memory.copyPages(ids(0), ids(-1)), /to\[0\] is -1/);
      await refused(memory.copyPages(ids(0, 1), ids(2)), /to has 1 elements; expected 2/);
      await refused(compact({ source: ids(0, 9) }), /heads\[0\]\.source\[1\] is 9/);
      await refused(
        compact({ keep: ids(1, 32) }),
        /heads\[0\]\.keep\[1\] is 32; expected an integer from 0 to 31/,
      );
      await refused(compact({ keep: ids(-1) }), /keep\[0\] is -1/);
      await refused(compact({ keep: ids(5, 5) }), /keep\[1\] is 5 after 5; expected ascending/);
      await refused(compact({ destination: ids() }), /destination has 0 elements; expected 1/);
      await refused(compact({ destination: ids(7) }), /destination\[0\] is 7/);
      const all = Int32Array.from({ length: 32 }, (_, i) => i);
      await refused(
        compact({ keep: all, destination: ids(2, 2) }),
        /destination\[1\] is page 2, which is written twice/,
      );
      await refused(memory.readSlots("keys", [{ pages: ids(0), slots: 17 }]), /tables\[0\]\.slots is 17/);
      await refused(memory.readSlots("keys", [{ pages: ids(4), slots: 1 }]), /tables\[0\]\.pages\[0\] is 4/);
      await refused(memory.readSlots("queries" as "keys", []), /data is queries/);
    });

    it("what was disposed says so, and disposing it again is nothing", async () => {
      const own = open();
      const program = sketch.on(own);
      const decoding = new Decoding(own, sketch);
      const disposed = { name: "KernelError", code: "disposed" };
      program.tensors[2]!.dispose();
      program.tensors[2]!.dispose();
      expect(() => own.compile(program)).toThrow(expect.objectContaining(disposed));
      decoding.executable.dispose();
      await expect(decoding.executable.run(decoding.memory, validStep())).rejects.toMatchObject(disposed);
      const live = sketch.compileOn(own);
      decoding.memory.dispose();
      await expect(live.run(decoding.memory, validStep())).rejects.toMatchObject(disposed);
      await expect(decoding.memory.copyPages(new Int32Array(0), new Int32Array(0))).rejects.toMatchObject(
        disposed,
      );
      own.dispose();
      own.dispose();
      await expect(live.run(decoding.memory, validStep())).rejects.toMatchObject(disposed);
      await expect(own.mapFile(import.meta.filename)).rejects.toMatchObject(disposed);
      expect(() => own.compile(program)).toThrow(expect.objectContaining(disposed));
      expect(() => own.pageMemory(decoding.memory.spec)).toThrow(expect.objectContaining(disposed));
      live.dispose();
    });

    it("any corruption of a step is a result or a typed error, and the next step is right", async () => {
      using decoding = new Decoding(device, sketch);
      const run = (step: Step) => decoding.executable.run(decoding.memory, step);
      const valid = validStep();
      const expected = await run(valid);
      const corruption = fc.record({ field: fc.nat(200), element: fc.nat(20), value: awkwardValue });
      const refusals = { count: 0 };
      await fc.assert(
        fc.asyncProperty(fc.array(corruption, { minLength: 1, maxLength: 3 }), async (corruptions) => {
          const step = validStep();
          for (const { field, element, value } of corruptions) corrupt(step, field, element, value);
          try {
            const { tokens } = await run(step);
            expect(tokens.length).toBe(step.sampling!.length);
          } catch (error) {
            refusals.count++;
            expect(error).toBeInstanceOf(KernelError);
            expect((error as KernelError).code).toBe("invalid-argument");
          }
        }),
        { numRuns: 400, seed: 5 },
      );
      expect(refusals.count).toBeGreaterThan(100);
      expect(await run(valid)).toEqual(expected);
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

/** Three tokens of one sequence, the last of which is sampled. */
function validStep(): Step {
  const random = new Random(62);
  return {
    tokens: random.integers(3, 0, 49),
    sequences: [
      { rows: 3, position: 0, resident: new Int32Array(4), pages: Int32Array.of(5, 9, 0, 127), sinks: 0 },
    ],
    outputs: Int32Array.of(2),
    sampling: [
      { ...greedy, temperature: 0.8, history: random.integers(3, 0, 49), promptLength: 2, topLogprobs: 2 },
    ],
    returnLogits: true,
  };
}

const awkwardValue = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    1,
    -1,
    2,
    15,
    16,
    50,
    127,
    128,
    1e9,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 53,
    0.5,
    1e-40,
  ),
  fc.constantFrom<unknown>(Number.NaN, Infinity, -Infinity, undefined, null, "3", 1n, -1n, 2n ** 64n, true),
  fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
);

/** Sets some number, or some element of some array, of a step. */
function corrupt(step: Step, field: number, element: number, value: unknown): void {
  const places = [step, ...step.sequences, ...step.sampling!].flatMap((part) =>
    Object.keys(part)
      .filter((key) => key !== "sequences" && key !== "sampling")
      .map((key) => ({ part: part as unknown as Fields, key })),
  );
  const { part, key } = places[field % places.length]!;
  const found = part[key];
  if (!ArrayBuffer.isView(found)) part[key] = value;
  else if (typeof value !== "number") part[key] = element % 2 === 0 ? value : (found as Int32Array).slice(1);
  else if (element < (found as Int32Array).length) (found as Int32Array)[element] = value;
  else part[key] = Int32Array.from({ length: element }, () => value);
}

function replaced<T>(items: readonly T[], index: number, fields: Fields): T[] {
  return items.with(index, { ...items[index]!, ...fields });
}

function ropes(fields: Fields): Fields {
  return { ropes: [{ ...sketch.ropes[0]!, ...fields }] };
}

function sequence(step: Step, fields: Fields): Fields {
  return { sequences: replaced(step.sequences, 0, fields) };
}

function sampling(fields: Partial<Sampling>): Fields {
  return { sampling: [{ ...greedy, ...fields }] };
}
