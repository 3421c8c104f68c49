import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device, SlotData } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, relativeError } from "./implementation.ts";
import { keepLast } from "./keep-last.ts";
import { Random } from "./random.ts";
import { tinyDecoder, tinyModel } from "./tiny-model.ts";
import { randomWeight } from "./weight.ts";
import { writtenPages } from "./written-pages.ts";

const everything: readonly SlotData[] = [
  "position",
  "keyNorm",
  "valueNorm",
  "attentionSum",
  "keys",
  "values",
];

export function pageMemoryCases({ name, open, precision }: Implementation): void {
  describe(`${name}: page memory`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it("takes at least the bytes of its keys, values, positions and sums per page", () => {
      for (const [dtype, bytes] of [
        ["f32", 4],
        ["f16", 2],
        ["bf16", 2],
      ] as const) {
        using memory = device.pageMemory({ pages: 3, pageTokens: 32, headDim: 20, dtype });
        const needed = 32 * (2 * 20 * bytes + 8);
        expect(memory.pageBytes).toBeGreaterThanOrEqual(needed);
        expect(memory.pageBytes).toBeLessThan(2 * needed);
        expect(memory.spec).toEqual({ pages: 3, pageTokens: 32, headDim: 20, dtype });
      }
    });

    it("copies pages whole, in order with what was submitted before and after", async () => {
      const random = new Random(42);
      const table = randomWeight(random, "f32", [64, 6]);
      const tokens = random.integers(16, 0, 63);
      const { memory, sequence } = await writtenPages(device, table, "f32", tokens);
      const page = sequence.tables[0]![0]!;
      const free = [0, 1, 2, 3].filter((id) => id !== page).slice(0, 3);
      const chain = [
        memory.copyPages(Int32Array.of(page), Int32Array.of(free[0]!)),
        memory.copyPages(Int32Array.of(free[0]!, free[0]!), Int32Array.of(free[1]!, free[2]!)),
      ];
      for (const data of everything) {
        const tables = [page, ...free].map((id) => ({ pages: Int32Array.of(id), slots: 16 }));
        const [original, ...copies] = await memory.readSlots(data, tables);
        expect(original!.some((x) => x !== 0)).toBe(true);
        for (const copy of copies) expect(copy).toEqual(original);
      }
      await Promise.all(chain);
      memory.dispose();
    });

    it("moves the slots that are kept, of each head on its own, in place or to other pages", async () => {
      const random = new Random(43);
      const table = randomWeight(random, "f32", [64, 6]);
      for (let round = 0; round < 20; round++) {
        const tokens = random.integers(random.integers(1, 1, 100)[0]!, 0, 63);
        const { memory, sequence } = await writtenPages(
          device,
          table,
          random.pick<DType>(["f32", "bf16"]),
          tokens,
        );
        const source = Int32Array.from(sequence.tables[0]!);
        const keep = random.subset(tokens.length, random.next());
        const pages = Math.ceil(keep.length / 16);
        const others = Int32Array.from({ length: 16 }, (_, id) => id).filter((id) => !source.includes(id));
        const destination = source
          .map((page, i) => (random.next() < 0.5 ? page : others[i]!))
          .slice(0, pages);
        const slots = [{ pages: source, slots: tokens.length }];
        const before = await Promise.all(everything.map((data) => memory.readSlots(data, slots)));
        await memory.compact([{ source, keep, destination }]);
        for (const [i, data] of everything.entries()) {
          const [after] = await memory.readSlots(data, [{ pages: destination, slots: keep.length }]);
          const width = before[i]![0]!.length / tokens.length;
          const expected = Array.from(keep, (slot) =>
            Array.from(before[i]![0]!.subarray(slot * width, (slot + 1) * width)),
          );
          expect(Array.from(after!), data).toEqual(expected.flat());
        }
        memory.dispose();
      }
    });

    it("may relink a page that has been read: slots move in order", async () => {
      const random = new Random(44);
      const table = randomWeight(random, "f32", [64, 6]);
      const { memory, sequence } = await writtenPages(device, table, "f32", random.integers(48, 0, 63));
      const source = Int32Array.from(sequence.tables[0]!);
      const [before] = await memory.readSlots("keys", [{ pages: source, slots: 48 }]);
      const keep = Int32Array.from({ length: 24 }, (_, i) => 24 + i);
      const destination = Int32Array.of(source[1]!, source[0]!);
      // Slots 24 to 31 are read from page 1 into its own start; slots 32 and on come from page 2.
      await memory.compact([{ source, keep, destination }]);
      const [after] = await memory.readSlots("keys", [{ pages: destination, slots: 24 }]);
      expect(after).toEqual(before!.slice(24 * 6));
      memory.dispose();
    });

    it("keeping every slot changes no bit of what follows", async () => {
      const results = [];
      for (const compacted of [false, true]) {
        using decoding = new Decoding(device, tinyDecoder(45), { dtype: "bf16" }, 6);
        const [sequence, tokens] = [decoding.sequence(), new Random(46).integers(41, 0, 49)];
        await decoding.step([sequence, tokens.subarray(0, 40)]);
        if (compacted) {
          const all = Int32Array.from({ length: 40 }, (_, i) => i);
          await decoding.memory.compact(
            sequence.tables.map((pages) => ({
              source: Int32Array.from(pages),
              keep: all,
              destination: Int32Array.from(pages),
            })),
          );
        }
        results.push(await decoding.step([sequence, tokens.subarray(40)]));
      }
      expect(results[1]).toEqual(results[0]);
    });

    it("evicting what a window hides changes nothing but rounding", async () => {
      const windowed = tinyDecoder(47, { ...tinyModel, layers: 1, window: 0 });
      const narrowed = windowed.instructions.map((i) => (i.op === "attend" ? { ...i, window: 10 } : i));
      const results = [];
      for (const evicts of [false, true]) {
        windowed.instructions.splice(0, Infinity, ...narrowed);
        using decoding = new Decoding(device, windowed);
        const [sequence, tokens] = [decoding.sequence(), new Random(48).integers(50, 0, 49)];
        await decoding.step([sequence, tokens.subarray(0, 49)]);
        if (evicts) await keepLast(decoding.memory, sequence, 9);
        results.push((await decoding.step([sequence, tokens.subarray(49)]))[0]!);
      }
      expect(relativeError(results[1]!, results[0]!)).toBeLessThan(precision === "double" ? 1e-7 : 2e-6);
    });

    it("arrays may be written to as soon as the call has returned", async () => {
      const results = [];
      for (const overwritten of [false, true]) {
        using decoding = new Decoding(device, tinyDecoder(52));
        const { executable, memory } = decoding;
        const tokens = new Random(53).integers(30, 0, 49);
        const part = decoding.sequence().next(30);
        const [source, to] = [part.pages.slice(0, 2), Int32Array.of(100, 101)];
        const keep = Int32Array.from({ length: 20 }, (_, i) => i + 5);
        const destination = Int32Array.of(110, 111);
        const outputs = Int32Array.of(29);
        const tables = [to, destination].map((pages) => ({ pages: pages.slice(), slots: 20 }));
        const work = [
          executable.run(memory, { tokens, sequences: [part], outputs, returnLogits: true }),
          memory.copyPages(source, to),
          memory.compact([{ source, keep, destination }]),
          memory.readSlots("keys", tables),
        ];
        const arrays = [tokens, part.pages, part.resident, outputs, source, to, keep, destination];
        for (const array of overwritten ? [...arrays, ...tables.map(({ pages }) => pages)] : [])
          array.fill(7);
        results.push(await Promise.all(work));
      }
      expect(results[1]).toEqual(results[0]);
    });

    it("work that was submitted ends, even if everything is disposed at once", async () => {
      const own = open();
      const decoding = new Decoding(own, tinyDecoder(49));
      const [sequence, tokens] = [decoding.sequence(), new Random(50).integers(30, 0, 49)];
      const running = decoding.step([sequence, tokens]);
      const reading = decoding.memory.readSlots("position", sequence.slotTables().slice(0, 1));
      decoding.executable.dispose();
      decoding.memory.dispose();
      own.dispose();
      expect((await running)[0]).toHaveLength(30 * 50);
      expect((await reading)[0]).toHaveLength(30);
    });
  });
}
