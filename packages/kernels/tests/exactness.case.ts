import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import type { Implementation } from "./implementation.ts";
import { Random } from "./random.ts";
import { tinyDecoder, tinyModel } from "./tiny-model.ts";

const formats: readonly { weights: DType; pages: DType; headDim: number; width: number }[] = [
  { weights: "f32", pages: "f32", headDim: 8, width: 24 },
  { weights: "bf16", pages: "bf16", headDim: 20, width: 33 },
  { weights: "f16", pages: "f16", headDim: 64, width: 130 },
];

/** What a row gets depends on its own sequence alone, to the bit. */
export function exactnessCases({ name, open }: Implementation): void {
  describe.each(formats)(
    `${name}: exactness ($weights weights, $pages pages)`,
    ({ weights, pages, headDim, width }) => {
      const sketch = tinyDecoder(21, { ...tinyModel, weights, headDim, width, window: 12 });
      const random = new Random(22);
      const tokens = random.integers(50, 0, sketch.shape.vocabSize - 1);
      let device: Device;
      let whole: Float32Array;
      beforeAll(async () => {
        device = open();
        using decoding = new Decoding(device, sketch, { dtype: pages });
        whole = await decoding.inChunks(decoding.sequence(), tokens, tokens.length);
        expect(whole.every(Number.isFinite)).toBe(true);
      });
      afterAll(() => device.dispose());

      it.each([1, 2, 7, 16, 33])("chunks of %i give the same bits as one", async (size) => {
        using decoding = new Decoding(device, sketch, { dtype: pages });
        expect(await decoding.inChunks(decoding.sequence(), tokens, size)).toEqual(whole);
      });

      it("pages anywhere give the same bits", async () => {
        using decoding = new Decoding(device, sketch, { dtype: pages }, 99);
        expect(await decoding.inChunks(decoding.sequence(), tokens, 30)).toEqual(whole);
      });

      it("other sequences in the step, prefilled and decoded, change no bit", async () => {
        using decoding = new Decoding(device, sketch, { dtype: pages, pages: 256 }, 7);
        const [one, other, third] = [decoding.sequence(), decoding.sequence(), decoding.sequence()];
        const rows = (count: number) => random.integers(count, 0, 49);
        const parts = [
          (await decoding.step([other, rows(5)], [one, tokens.subarray(0, 20)]))[1],
          (await decoding.step([one, tokens.subarray(20, 21)], [other, rows(1)], [third, rows(40)]))[0],
          (await decoding.step([third, rows(1)], [other, rows(3)], [one, tokens.subarray(21)]))[2],
        ];
        expect(parts.flatMap((part) => Array.from(part!))).toEqual(Array.from(whole));
      });

      it("asking for other outputs changes no bit of one", async () => {
        using decoding = new Decoding(device, sketch, { dtype: pages });
        const outputs = Int32Array.of(0, 13, 49);
        const step = { tokens, sequences: [decoding.sequence().next(50)], outputs, returnLogits: true };
        const { logits } = await decoding.executable.run(decoding.memory, step);
        const expected = Array.from(outputs, (row) => Array.from(whole.subarray(row * 50, (row + 1) * 50)));
        expect(Array.from(logits!)).toEqual(expected.flat());
      });
    },
  );
}

/** Implementations whose results must be the same bits: one level with different numbers of threads. */
export function sameBitsCases(implementations: readonly Implementation[]): void {
  const names = implementations.map(({ name }) => name).join(" and ");

  it.each(formats)(`${names} give the same bits ($weights weights, $pages pages)`, async (format) => {
    const { weights, pages, headDim, width } = format;
    const sketch = tinyDecoder(23, { ...tinyModel, weights, headDim, width, layers: 1 });
    const tokens = new Random(24).integers(70, 0, 49);
    const results = [];
    for (const { open } of implementations) {
      using device = open();
      using decoding = new Decoding(device, sketch, { dtype: pages });
      const sequence = decoding.sequence();
      results.push([
        ...(await decoding.step([sequence, tokens.subarray(0, 40)])),
        ...(await decoding.step([decoding.sequence(), tokens], [sequence, tokens.subarray(40, 41)])),
      ]);
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });

  it.each(formats)(`${names} share long sequences alike ($pages pages)`, async ({ pages, headDim }) => {
    const sketch = tinyDecoder(25, { ...tinyModel, headDim, layers: 1 });
    const random = new Random(26);
    const [long, short] = [random.integers(540, 0, 49), random.integers(12, 0, 49)];
    const results = [];
    for (const { open } of implementations) {
      using device = open();
      using decoding = new Decoding(device, sketch, { pages: 160, dtype: pages }, 27);
      const [one, other] = [decoding.sequence(), decoding.sequence()];
      // Alone a token's spans are shared among the threads; beside a chunk it is one of many parts.
      const parts = [await decoding.step([one, long.subarray(0, 530)])];
      for (let i = 0; i < 8; i++) parts.push(await decoding.step([one, long.subarray(530 + i, 531 + i)]));
      parts.push(await decoding.step([other, short], [one, long.subarray(538)]));
      results.push(parts.flat());
    }
    for (const result of results) expect(result).toEqual(results[0]);
  });
}
