import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Compaction, Device } from "../src/device.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, refusal, refused } from "./implementation.ts";
import { tinyDecoder } from "./tiny-model.ts";
import { validStep } from "./valid-step.ts";

type Fields = Record<string, unknown>;

const sketch = tinyDecoder(61);

/** Tensors and page operations that make no sense, and what was disposed. */
export function badMemoryCases({ name, open }: Implementation): void {
  describe(`${name}: bad tensors and pages`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

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
      const compact = (change: Partial<Compaction>) =>
        memory.compact([{ source: ids(0, 1), keep: ids(1, 20), destination: ids(2), ...change }]);
      await refused(memory.copyPages(ids(0, 4), ids(1, 2)), /from\[1\] is 4/);
      await refused(memory.copyPages(ids(0), ids(-1)), /to\[0\] is -1/);
      await refused(memory.copyPages(ids(0, 1), ids(2)), /to has 1 elements; expected 2/);
      for (const [name, move] of [
        ["out", (pages: Int32Array, bytes: Uint8Array) => memory.readPages(pages, bytes)],
        ["bytes", (pages: Int32Array, bytes: Uint8Array) => memory.writePages(pages, bytes)],
      ] as const) {
        const room = new Uint8Array(2 * memory.pageBytes);
        await refused(move(ids(1, 4), room), /pages\[1\] is 4; expected an integer from 0 to 3/);
        await refused(move(ids(-1, 1), room), /pages\[0\] is -1/);
        await refused(move([1, 2] as never, room), /pages is a Array; expected an Int32Array/);
        const length = new RegExp(`${name} has ${room.length} elements; expected ${3 * memory.pageBytes} `);
        await refused(move(ids(1, 2, 3), room), length);
        await refused(move(ids(1), new Uint8Array(0)), new RegExp(`${name} has 0 elements`));
        const words = new Uint32Array(room.length);
        await refused(move(ids(1, 2), words as never), new RegExp(`${name} must be a Uint8Array`));
        const Resizable = ArrayBuffer as unknown as new (size: number, how: object) => ArrayBuffer;
        const shrinking = new Uint8Array(new Resizable(room.length, { maxByteLength: room.length }));
        await refused(move(ids(1, 2), shrinking), new RegExp(`${name} lies in a resizable ArrayBuffer`));
      }
      const twice = new Uint8Array(2 * memory.pageBytes);
      await refused(memory.writePages(ids(2, 2), twice), /pages\[1\] is page 2, which is written twice/);
      await refused(compact({ source: ids(0, 9) }), /heads\[0\]\.source\[1\] is 9/);
      await refused(
        compact({ keep: ids(1, 32) }),
        /heads\[0\]\.keep\[1\] is 32; expected an integer from 0 to 31/,
      );
      await refused(compact({ keep: ids(-1) }), /keep\[0\] is -1/);
      await refused(compact({ keep: ids(5, 5) }), /keep\[1\] is 5 after 5; expected ascending/);
      await refused(compact({ destination: ids() }), /destination has 0 elements; expected 1/);
      await refused(compact({ destination: ids(7) }), /destination\[0\] is 7/);
      const merge = (fields: object) => ({ slots: 32, threshold: 0.5, ...fields });
      for (const [fields, message] of [
        [{ slots: 33 }, /heads\[0\]\.merge\.slots is 33; expected an integer from 0 to 32/],
        [{ slots: -1 }, /merge\.slots is -1/],
        [{ slots: 0.5 }, /merge\.slots is 0\.5/],
        [{ threshold: 1.01 }, /heads\[0\]\.merge\.threshold is 1\.01; expected a number in \[-1, 1\]/],
        [{ threshold: -2 }, /threshold is -2/],
        [{ threshold: Number.NaN }, /threshold is NaN/],
        [{ threshold: undefined }, /threshold is undefined/],
      ] as const) {
        await refused(compact({ merge: merge(fields) as NonNullable<Compaction["merge"]> }), message);
      }
      await refused(compact({ merge: null as never }), /heads\[0\]\.merge is null; expected an object/);
      const all = Int32Array.from({ length: 32 }, (_, i) => i);
      await refused(
        compact({ keep: all, destination: ids(2, 2) }),
        /destination\[1\] is page 2, which is written twice/,
      );
      await refused(memory.readSlots("keys", [{ pages: ids(0), slots: 17 }]), /tables\[0\]\.slots is 17/);
      await refused(memory.readSlots("keys", [{ pages: ids(4), slots: 1 }]), /tables\[0\]\.pages\[0\] is 4/);
      await refused(memory.readSlots("queries" as "keys", []), /data is "queries"; expected position, /);
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
      const [none, nothing] = [new Int32Array(0), new Uint8Array(0)];
      await expect(decoding.memory.copyPages(none, none)).rejects.toMatchObject(disposed);
      await expect(decoding.memory.readPages(none, nothing)).rejects.toMatchObject(disposed);
      await expect(decoding.memory.writePages(none, nothing)).rejects.toMatchObject(disposed);
      own.dispose();
      own.dispose();
      await expect(live.run(decoding.memory, validStep())).rejects.toMatchObject(disposed);
      await expect(own.mapFile(import.meta.filename)).rejects.toMatchObject(disposed);
      expect(() => own.compile(program)).toThrow(expect.objectContaining(disposed));
      expect(() => own.pageMemory(decoding.memory.spec)).toThrow(expect.objectContaining(disposed));
      live.dispose();
    });
  });
}
