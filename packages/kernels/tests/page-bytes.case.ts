import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device, PageMemory, SlotData } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import { type Implementation, sameBits } from "./implementation.ts";
import { Random } from "./random.ts";
import { tinyDecoder } from "./tiny-model.ts";
import { randomWeight } from "./weight.ts";
import { writtenPages } from "./written-pages.ts";

const everything: readonly SlotData[] = ["position", "attentionSum", "keys", "values"];
const dtypes: readonly DType[] = ["f32", "f16", "bf16"];

/** Pages as bytes: out of a memory, and back. */
export function pageBytesCases({ name, open }: Implementation): void {
  describe(`${name}: bytes of pages`, () => {
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each(dtypes)("bring all that %s pages hold to any pages of any memory, bit by bit", async (dtype) => {
      const random = new Random(81);
      const table = randomWeight(random, "f32", [64, 6]);
      const values = randomWeight(random, "f32", [64, 6]);
      for (let round = 0; round < 10; round++) {
        const tokens = random.integers(random.integer(1, 100), 0, 63);
        const { memory, sequence } = await writtenPages(device, table, dtype, tokens, 7, values);
        const [source] = sequence.slotTables();
        const bytes = new Uint8Array(source!.pages.length * memory.pageBytes);
        await memory.readPages(source!.pages, bytes);
        using other = device.pageMemory({ ...memory.spec, pages: 50 });
        const pages = Int32Array.from(random.permutation(50)).subarray(0, source!.pages.length);
        await other.writePages(pages, bytes);
        for (const data of everything) {
          const [expected] = await memory.readSlots(data, [source!]);
          const [actual] = await other.readSlots(data, [{ pages, slots: tokens.length }]);
          expect(expected!.some((x) => x !== 0)).toBe(true);
          expect(sameBits(actual!, expected!), data).toBe(true);
        }
        memory.dispose();
      }
    });

    it.each(dtypes)("come back as they were written, whatever they are, from %s pages", async (dtype) => {
      using memory = device.pageMemory({ pages: 20, pageTokens: 16, headDim: 4, dtype });
      const write = fc.record({
        pages: fc.uniqueArray(fc.nat(19), { maxLength: 6 }),
        seed: fc.nat(),
        offset: fc.nat(7),
      });
      const all = Int32Array.from({ length: 20 }, (_, id) => id);
      const expected = new Uint8Array(20 * memory.pageBytes);
      await fc.assert(
        fc.asyncProperty(write, async ({ pages, seed, offset }) => {
          const random = new Random(seed);
          // At any offset of a buffer.
          const bytes = new Uint8Array(offset + pages.length * memory.pageBytes)
            .map(() => random.integer(0, 255))
            .subarray(offset);
          await memory.writePages(Int32Array.from(pages), bytes);
          pages.forEach((page, i) => {
            const one = bytes.subarray(i * memory.pageBytes, (i + 1) * memory.pageBytes);
            expected.set(one, page * memory.pageBytes);
          });
          const read = new Uint8Array(offset + expected.length).subarray(offset);
          await memory.readPages(all, read);
          expect(Buffer.compare(read, expected)).toBe(0);
        }),
        { numRuns: 30, seed: 82 },
      );
    });

    it("are zeros where nothing was written, and read the same page twice where told", async () => {
      using memory = device.pageMemory({ pages: 1_000_000, pageTokens: 32, headDim: 64, dtype: "bf16" });
      const one = new Uint8Array(memory.pageBytes).map((_, i) => i);
      await memory.writePages(Int32Array.of(5), one);
      const read = new Uint8Array(3 * memory.pageBytes).fill(1);
      await memory.readPages(Int32Array.of(5, 999_999, 5), read);
      expect(Buffer.compare(read, Buffer.concat([one, new Uint8Array(memory.pageBytes), one]))).toBe(0);
      await memory.readPages(new Int32Array(0), new Uint8Array(0));
      await memory.writePages(new Int32Array(0), new Uint8Array(0));
    });

    it("move in order with what was submitted before and after", async () => {
      using memory = device.pageMemory({ pages: 4, pageTokens: 16, headDim: 4, dtype: "f32" });
      const [a, b, c] = [1, 2, 3].map((value) => new Uint8Array(memory.pageBytes).fill(value));
      const reads = Array.from({ length: 3 }, () => new Uint8Array(memory.pageBytes));
      const ids = Int32Array.of(0);
      const work = [
        memory.writePages(ids, a!),
        memory.readPages(ids, reads[0]!),
        memory.writePages(ids, b!),
        memory.copyPages(ids, Int32Array.of(1)),
        memory.writePages(ids, c!),
        memory.readPages(ids, reads[1]!),
        memory.readPages(Int32Array.of(1), reads[2]!),
      ];
      // The ids are copied; the bytes are not.
      ids[0] = 3;
      await Promise.all(work);
      expect(reads).toEqual([a, c, b]);
    });

    it.each(dtypes)(
      "let a sequence go on elsewhere without a change of a bit, on %s pages",
      async (dtype) => {
        const tokens = new Random(83).integers(50, 0, 49);
        const results: Float32Array[] = [];
        for (const moved of [false, true]) {
          using decoding = new Decoding(device, tinyDecoder(84), { dtype }, 85);
          const sequence = decoding.sequence();
          await decoding.step([sequence, tokens.subarray(0, 37)]);
          if (moved) await moveAway(decoding.memory, sequence.tables);
          results.push(...(await decoding.step([sequence, tokens.subarray(37)])));
        }
        expect(sameBits(results[1]!, results[0]!)).toBe(true);
      },
    );
  });
}

/** To other pages by way of bytes; what was there is overwritten. */
async function moveAway(memory: PageMemory, tables: number[][]): Promise<void> {
  const from = Int32Array.from(tables.flat());
  const free = Array.from({ length: memory.spec.pages }, (_, id) => id).filter((id) => !from.includes(id));
  const bytes = new Uint8Array(new SharedArrayBuffer(from.length * memory.pageBytes));
  const to = Int32Array.from(free.slice(-from.length));
  await memory.readPages(from, bytes);
  await memory.writePages(from, new Uint8Array(bytes.length).fill(0x7f));
  await memory.writePages(to, bytes);
  let at = 0;
  for (const table of tables) for (const i of table.keys()) table[i] = to[at++]!;
}
