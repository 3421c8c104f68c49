import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { greedySampling } from "../src/greedy-sampling.ts";
import { KernelError } from "../src/kernel-error.ts";
import type { Rope } from "../src/program.ts";
import type { Sampling, Step } from "../src/step.ts";
import { Decoding } from "./decoding.ts";
import type { Implementation } from "./implementation.ts";
import { tinyDecoder } from "./tiny-model.ts";
import { validStep } from "./valid-step.ts";

type Fields = Record<string, unknown>;

/** Two layers of two KV heads: four tables. */
const sketch = tinyDecoder(61);

/** A step is checked before anything changes, and the error names what was wrong. */
export function badStepCases({ name, open }: Implementation): void {
  describe(`${name}: bad steps`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

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
        () => ({ sampling: [greedySampling, greedySampling] }),
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
      [
        "a mask of too many words",
        /sampling\[0\]\.allowed has 3 elements; expected 2/,
        () => sampling({ allowed: new Uint32Array(3).fill(1) }),
      ],
      [
        "a mask of another type",
        /sampling\[0\]\.allowed must be a Uint32Array/,
        () => sampling({ allowed: new Int32Array(2).fill(1) as unknown as Uint32Array }),
      ],
      [
        "a mask that lets nothing through",
        /sampling\[0\]\.allowed has no bit set/,
        () => sampling({ allowed: Uint32Array.of(0, 0xfffc0000) }),
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
      const keys = await decoding.memory.readSlots("keys", tables);
      expect(keys.every((key) => key.every((x) => x === 0))).toBe(true);
    });

    it("sinks of a dynamic rope", async () => {
      const dynamic = { base: 1e4, factor: 2, maxPositions: 64 };
      const rope: Rope = { ...sketch.ropes[0]!, dynamic };
      const dynamicSketch = tinyDecoder(61);
      dynamicSketch.ropes[0] = rope;
      using executable = dynamicSketch.compileOn(device);
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
  });
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

function sequence(step: Step, fields: Fields): Fields {
  return { sequences: [{ ...step.sequences[0]!, ...fields }] };
}

function sampling(fields: Partial<Sampling>): Fields {
  return { sampling: [{ ...greedySampling, ...fields }] };
}
