import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import { KernelError } from "../src/kernel-error.ts";
import type { Rope } from "../src/program.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, refusal, refused } from "./implementation.ts";
import { SignalledSequence, signalledSketch } from "./signalled-sequence.ts";
import { tinyDecoder } from "./tiny-model.ts";

/** Query windows, and reads of them, that make no sense: the error names the field. */
export function badReadsCases({ name, open }: Implementation): void {
  describe(`${name}: bad reads`, () => {
    let device: Device;
    let signalled: SignalledSequence;
    beforeAll(async () => {
      device = open();
      signalled = await SignalledSequence.on(device);
    });
    afterAll(() => {
      signalled[Symbol.dispose]();
      device.dispose();
    });

    it.each<[string, RegExp, (sequence: SignalledSequence) => unknown]>([
      ["nothing", /reads\[0\] is null; expected an object/, () => null],
      [
        "a window that is none",
        /reads\[0\]\.queries is not a query window of this executable/,
        (s) => s.read({ queries: 8 }),
      ],
      [
        "a KV layer that is not there",
        /reads\[0\]\.kvLayer is 2; expected an integer from 0 to 1/,
        (s) => s.read({ kvLayer: 2 }),
      ],
      ["a negative KV head", /kvHead is -1/, (s) => s.read({ kvHead: -1 })],
      [
        "pages of another type",
        /reads\[0\]\.pages is a Array; expected an Int32Array/,
        (s) => s.read({ pages: [4, 5] }),
      ],
      ["a page that is not there", /pages\[1\] is 128/, (s) => s.read({ pages: Int32Array.of(4, 128) })],
      [
        "more slots than pages",
        /slots is 33; expected an integer from 0 to 32/,
        (s) => s.read({ slots: 33, position: 33 }),
      ],
      ["slots that are NaN", /slots is NaN/, (s) => s.read({ slots: Number.NaN })],
      [
        "a position below the slots",
        /position is 19; expected an integer from 20 to/,
        (s) => s.read({ position: 19 }),
      ],
      [
        "a position that overflows",
        /position is 2147483647; expected an integer from 20 to 2147483135/,
        (s) => s.read({ position: 2 ** 31 - 1 }),
      ],
      ["negative sinks", /sinks is -1/, (s) => s.read({ sinks: -1 })],
      [
        "another measure",
        /measure is "entropy"; expected sum, count or expected/,
        (s) => s.read({ measure: "entropy" }),
      ],
      [
        "more queries than the window holds",
        /reads\[0\]\.window is 9; expected an integer from 1 to 8/,
        (s) => s.read({ window: 9 }),
      ],
      ["no queries", /window is 0/, (s) => s.read({ window: 0 })],
      [
        "another reduction",
        /reduce is undefined; expected mean, max or sum/,
        (s) => s.read({ reduce: undefined }),
      ],
      [
        "a threshold of 0",
        /threshold is 0; expected a finite number above 0/,
        (s) => s.read({ threshold: 0 }),
      ],
      ["a threshold without end", /threshold is Infinity/, (s) => s.read({ threshold: Infinity })],
      ["a threshold that f32 does not hold", /threshold is 1e\+300/, (s) => s.read({ threshold: 1e300 })],
      ["no future", /future is 0; expected an integer from 1 to 65536/, (s) => s.read({ future: 0 })],
      ["too much future", /future is 65537/, (s) => s.read({ future: 65537 })],
    ])("a read of %s", async (_, message, bad) => {
      await refused(signalled.readAttention([bad(signalled)]), message);
    });

    it("the second of two reads", async () => {
      const reads = [signalled.read(), signalled.read({ kvLayer: 9 })];
      await refused(signalled.readAttention(reads), /reads\[1\]\.kvLayer is 9/);
    });

    it("no slots and no reads are nothing", async () => {
      const { executable, memory } = signalled.decoding;
      expect(await executable.readAttention(memory, [])).toEqual([]);
      const none = signalled.read({ pages: new Int32Array(0), slots: 0 });
      const empty = [none, { ...none, measure: "expected" as const }, { ...none, measure: "count" as const }];
      expect(await executable.readAttention(memory, empty)).toEqual(empty.map(() => new Float32Array(0)));
    });

    it("sinks of a dynamic rope", async () => {
      const dynamic = { base: 1e4, factor: 2, maxPositions: 64 };
      const rope: Rope = { ...signalledSketch.ropes[0]!, dynamic };
      const dynamicSketch = tinyDecoder(61);
      dynamicSketch.ropes[0] = rope;
      using executable = dynamicSketch.compileOn(device);
      using own = executable.queryWindow(1);
      const bad = signalled.read({ queries: own, window: 1, sinks: 1 });
      await refused(
        executable.readAttention(signalled.decoding.memory, [bad]),
        /reads\[0\]\.sinks is 1; expected 0/,
      );
    });

    it.each([0, 513, 1.5, Number.NaN, "8", undefined])("a window of %s", (window) => {
      expect(refusal(() => signalled.decoding.executable.queryWindow(window as number))).toMatch(
        /^window is .*; expected an integer from 1 to 512/,
      );
    });

    it("windows of another executable, pages of another size or device", async () => {
      const { executable, memory } = signalled.decoding;
      using twin = signalledSketch.compileOn(device);
      using foreign = twin.queryWindow(8);
      await refused(
        executable.readAttention(memory, [signalled.read({ queries: foreign })]),
        /of this executable/,
      );
      await refused(executable.run(memory, signalled.step({ queries: foreign })), /of this executable/);
      using wide = device.pageMemory({ pages: 128, pageTokens: 16, headDim: 16, dtype: "f32" });
      await refused(executable.readAttention(wide, [signalled.read()]), /16 elements.*headDim is 8/);
      using other = open();
      using away = other.pageMemory({ pages: 128, pageTokens: 16, headDim: 8, dtype: "f32" });
      await refused(executable.readAttention(away, [signalled.read()]), /another device/);
    });

    it("what was disposed says so, and disposing it again is nothing", async () => {
      const own = open();
      const gone = new Decoding(own, signalledSketch);
      const [one, other] = [gone.executable.queryWindow(8), gone.executable.queryWindow(8)];
      const disposed = { name: "KernelError", code: "disposed" };
      one.dispose();
      one.dispose();
      await expect(gone.executable.run(gone.memory, signalled.step({ queries: one }))).rejects.toMatchObject(
        disposed,
      );
      await expect(
        gone.executable.readAttention(gone.memory, [signalled.read({ queries: one })]),
      ).rejects.toMatchObject(disposed);
      gone.memory.dispose();
      await expect(
        gone.executable.readAttention(gone.memory, [signalled.read({ queries: other })]),
      ).rejects.toMatchObject(disposed);
      gone.executable.dispose();
      expect(() => gone.executable.queryWindow(1)).toThrow(expect.objectContaining(disposed));
      await expect(
        gone.executable.readAttention(signalled.decoding.memory, [signalled.read({ queries: other })]),
      ).rejects.toMatchObject(disposed);
      own.dispose();
      other.dispose();
    });

    it("any corruption is a result or a typed error, and the next read is right", async () => {
      const { executable, memory } = signalled.decoding;
      const expected = await signalled.state();
      const keys = Object.keys(signalled.read());
      const corruption = fc.record({ field: fc.nat(keys.length - 1), value: awkward });
      let refusals = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(corruption, { minLength: 1, maxLength: 2 }), async (corruptions) => {
          const bad = signalled.read(
            Object.fromEntries(corruptions.map(({ field, value }) => [keys[field]!, value])),
          );
          try {
            const [shares] = await executable.readAttention(memory, [bad]);
            expect(shares).toHaveLength(bad.slots);
          } catch (error) {
            refusals++;
            expect(error).toBeInstanceOf(KernelError);
            expect((error as KernelError).code).toBe("invalid-argument");
          }
        }),
        { numRuns: 300, seed: 7 },
      );
      expect(refusals).toBeGreaterThan(100);
      expect(await signalled.state()).toEqual(expected);
    });
  });
}

const awkward = fc.oneof(
  fc.constantFrom<unknown>(
    0,
    1,
    -1,
    2,
    7,
    20,
    32,
    127,
    512,
    65536,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 53,
    0.5,
    1e-40,
  ),
  fc.constantFrom<unknown>(Number.NaN, Infinity, undefined, null, "sum", "expected", "max", 1n, true, {}, []),
  fc.constantFrom<unknown>(Int32Array.of(1, 2, 3), Int32Array.of(-1), new Int32Array(0)),
);
