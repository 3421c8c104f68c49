import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Device, PageMemory, PageMemorySpec } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import { Decoding } from "./decoding.ts";
import { firstColumns, type Implementation, relativeError } from "./implementation.ts";
import { NaiveHead } from "./naive-head.ts";
import { PagedSequence, PageIds } from "./paged-sequence.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { Random } from "./random.ts";
import { coarseWeight, type Weight } from "./weight.ts";

type Mask = { readonly strict: boolean; readonly window: number };

const masks: readonly Mask[] = [
  { strict: false, window: 0 },
  { strict: true, window: 0 },
  { strict: false, window: 1 },
  { strict: false, window: 9 },
  { strict: true, window: 1 },
  { strict: true, window: 20 },
];

/** Slots that the native levels take at a time. */
const span = 256;

type Grouping = { readonly group: number; readonly headDim: number; readonly pageTokens: number } & {
  readonly dtype: DType;
  readonly mask: Mask;
};

const groupings: readonly Grouping[] = [
  { group: 1, headDim: 6, pageTokens: 16, dtype: "f32", mask: masks[0]! },
  { group: 2, headDim: 20, pageTokens: 32, dtype: "bf16", mask: { strict: true, window: 300 } },
  { group: 7, headDim: 64, pageTokens: 16, dtype: "f16", mask: masks[1]! },
  { group: 8, headDim: 80, pageTokens: 32, dtype: "f16", mask: masks[0]! },
  { group: 2, headDim: 128, pageTokens: 32, dtype: "f32", mask: { strict: false, window: 260 } },
];

/** Attention over pages, against a cache of plain arrays. */
export function attentionCases({ name, open, precision }: Implementation): void {
  describe(`${name}: attention`, () => {
    // Rounding a score of 20 to f32 is worth 1e-6 of its weight; most tests stay far below that.
    const tolerance = precision === "double" ? 1e-7 : 1e-6;
    const longTolerance = precision === "double" ? 1e-7 : 3e-6;
    let device: Device;
    beforeAll(() => {
      device = open();
    });
    afterAll(() => device.dispose());

    it.each([2, 6, 20, 32, 64, 80, 96, 128, 256])(
      "heads of %i elements: any mask, page format, head counts, chunks and evictions",
      async (headDim) => {
        const random = new Random(headDim);
        for (const mask of masks) {
          const kvHeads = random.integer(1, headDim > 64 ? 2 : 3);
          const heads =
            kvHeads * random.integer(1, headDim > 64 ? Math.floor(256 / (headDim * kvHeads)) || 1 : 4);
          const model = new AttentionModel(random, { headDim, kvHeads, heads, mask });
          const dtype = random.pick<DType>(["f32", "f16", "bf16"]);
          const world = model.world(device, {
            pages: 300,
            pageTokens: random.pick([16, 32]),
            headDim,
            dtype,
          });
          for (let step = 0; step < 4; step++) {
            const [actual, expected] = await world.step(random);
            const what = `${JSON.stringify(mask)}, ${heads}/${kvHeads} heads, ${dtype}, step ${step}`;
            expect(relativeError(actual, expected), what).toBeLessThan(tolerance);
            if (random.next() < 0.6) await world.evict(random);
          }
          world.dispose();
        }
      },
    );

    it("a long cache, decoded and in chunks", async () => {
      const random = new Random(77);
      const model = new AttentionModel(random, { headDim: 32, kvHeads: 1, heads: 2, mask: masks[0]! });
      const world = model.world(device, { pages: 100, pageTokens: 32, headDim: 32, dtype: "f32" }, 1);
      for (const rows of [400, 1, 2, 150, 1]) {
        const [actual, expected] = await world.step(random, rows);
        expect(relativeError(actual, expected), `${rows} rows`).toBeLessThan(longTolerance);
      }
      world.dispose();
    });

    it.each(groupings)(
      "$group query heads to a KV head of $headDim elements: any length around a span of slots",
      async ({ group, headDim, pageTokens, dtype, mask }) => {
        const random = new Random(group);
        const kvHeads = group < 7 ? 2 : 1;
        const model = new AttentionModel(random, { headDim, kvHeads, heads: kvHeads * group, mask });
        const world = model.world(device, { pages: 140, pageTokens, headDim, dtype }, 1);
        for (const rows of [span - 1, 1, 1, span + 2, 1]) {
          const [actual, expected] = await world.step(random, rows);
          expect(relativeError(actual, expected), `${rows} rows`).toBeLessThan(longTolerance);
        }
        world.dispose();
      },
    );

    it.each(groupings)(
      "$group query heads to a KV head of $headDim elements: the same bits one by one, in chunks and at once",
      async ({ group, headDim, pageTokens, dtype, mask }) => {
        const random = new Random(100 + group);
        const { sketch } = new AttentionModel(random, { headDim, kvHeads: 1, heads: group, mask });
        const tokens = random.integers(2 * span + 3, 0, sketch.shape.vocabSize - 1);
        const results = [];
        for (const size of [tokens.length, 1, 100]) {
          using decoding = new Decoding(device, sketch, { pages: 40, pageTokens, dtype }, size);
          results.push(await decoding.inChunks(decoding.sequence(), tokens, size));
        }
        for (const result of results) expect(firstDifference(result, results[0]!)).toBe(-1);
      },
    );

    it.each(groupings)(
      "$group query heads to a KV head of $headDim elements: slots that a row does not see may hold anything",
      async ({ group, headDim, pageTokens, dtype, mask: { strict } }) => {
        const random = new Random(200 + group);
        const window = 40;
        const attention = { headDim, kvHeads: 1, heads: group, mask: { strict, window } };
        const { sketch, k, v } = new AttentionModel(random, attention);
        for (const { data } of [k, v]) data.fill(Number.NaN, 0, headDim);
        const { vocabSize } = sketch.shape;
        const [seen, hidden] = [random.integers(300, 1, vocabSize - 1), 60];
        const results = [];
        for (const first of [random.integers(hidden, 1, vocabSize - 1), new Int32Array(hidden)]) {
          using decoding = new Decoding(device, sketch, { pages: 24, pageTokens, dtype });
          const slots = 24 * pageTokens;
          // Token 0 leaves nothing but NaN in every page.
          if (first[0] === 0)
            await decoding.step([decoding.sequence(PageIds.inOrder(24)), new Int32Array(slots)]);
          const sequence = decoding.sequence();
          await decoding.step([sequence, first]);
          const logits = [await decoding.inChunks(sequence, seen.subarray(0, 290), 290)];
          logits.push(await decoding.inChunks(sequence, seen.subarray(290), 1));
          results.push(logits.flatMap((part) => Array.from(part)).slice(window * vocabSize));
        }
        expect(results[0]!.every(Number.isFinite)).toBe(true);
        expect(firstDifference(results[1]!, results[0]!)).toBe(-1);
      },
    );

    it("gives zeros where nothing is visible", async () => {
      const model = new AttentionModel(new Random(8), { headDim: 6, kvHeads: 1, heads: 2, mask: masks[1]! });
      const world = model.world(device, { pages: 8, pageTokens: 16, headDim: 6, dtype: "f32" }, 1);
      const [actual] = await world.step(new Random(9), 3);
      expect(Array.from(actual.subarray(0, 12))).toEqual(new Array(12).fill(0));
      expect(actual.subarray(12, 24).every((x) => x === 0)).toBe(false);
      world.dispose();
    });

    it("scores far apart leave only the largest, without overflow", async () => {
      const random = new Random(10);
      const model = new AttentionModel(random, {
        headDim: 2,
        kvHeads: 1,
        heads: 1,
        mask: masks[0]!,
        scale: 1e4,
      });
      const world = model.world(device, { pages: 8, pageTokens: 16, headDim: 2, dtype: "f32" }, 1);
      const [actual, expected] = await world.step(random, 40);
      expect(relativeError(actual, expected)).toBeLessThan(tolerance);
      world.dispose();
    });
  });
}

/** The first element that is not the same number, or -1; `toEqual` takes seconds for so many. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Math.min(a.length, b.length);
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return i;
  return -1;
}

type Attention = {
  readonly headDim: number;
  readonly kvHeads: number;
  readonly heads: number;
  readonly mask: Mask;
  readonly scale?: number;
};

/** Queries, keys and values that are looked up by token, and so known exactly. */
class AttentionModel {
  readonly attention: Attention;
  readonly scale: number;
  readonly q: Weight;
  readonly k: Weight;
  readonly v: Weight;
  readonly sketch: ProgramSketch;

  constructor(random: Random, attention: Attention) {
    const { headDim, kvHeads, heads, mask } = attention;
    this.attention = attention;
    this.scale = attention.scale ?? headDim ** -0.5;
    const vocabSize = Math.max(64, heads * headDim);
    this.sketch = new ProgramSketch({ kvLayers: 1, kvHeads, headDim, vocabSize });
    this.q = coarseWeight(random, [vocabSize, heads * headDim]);
    this.k = coarseWeight(random, [vocabSize, kvHeads * headDim]);
    this.v = coarseWeight(random, [vocabSize, kvHeads * headDim]);
    const [q, k, v] = [this.sketch.embed(this.q), this.sketch.embed(this.k), this.sketch.embed(this.v)];
    const out = this.sketch.buffer(heads * headDim);
    const rope = this.sketch.rope({ inverseFrequencies: Float64Array.of(1), scale: 1, interleaved: false });
    this.sketch.push({ op: "writeKv", kvLayer: 0, k, v });
    this.sketch.push({ op: "attend", out, q, kvLayer: 0, scale: this.scale, ...mask, rope });
    this.sketch.readOut(out);
  }

  world(device: Device, spec: PageMemorySpec, sequences = 3): AttentionWorld {
    return new AttentionWorld(this, device, device.pageMemory(spec), sequences);
  }
}

/** Some sequences on a device, and the same in plain arrays. */
class AttentionWorld {
  readonly #model: AttentionModel;
  readonly #memory: PageMemory;
  readonly #executable;
  readonly #sequences: readonly { readonly paged: PagedSequence; readonly naive: readonly NaiveHead[] }[];

  constructor(model: AttentionModel, device: Device, memory: PageMemory, sequences: number) {
    const { kvHeads, headDim } = model.attention;
    this.#model = model;
    this.#memory = memory;
    this.#executable = model.sketch.compileOn(device);
    const ids = PageIds.scattered(memory.spec.pages, 5);
    this.#sequences = Array.from({ length: sequences }, () => ({
      paged: new PagedSequence(ids, memory.spec.pageTokens, kvHeads),
      naive: Array.from({ length: kvHeads }, () => new NaiveHead(headDim)),
    }));
  }

  /** Some more tokens for some of the sequences. Returns what attention gave, and what it should. */
  async step(random: Random, rows?: number): Promise<[Float32Array, number[]]> {
    const { sketch, attention } = this.#model;
    const parts = this.#sequences
      .filter((_, i) => i === 0 || random.next() < 0.7)
      .map((sequence) => ({ sequence, count: rows ?? random.pick([1, 1, random.integer(2, 36)]) }));
    const tokens = random.integers(
      parts.reduce((sum, { count }) => sum + count, 0),
      0,
      sketch.shape.vocabSize - 1,
    );
    const expected: number[] = [];
    let row = 0;
    for (const { sequence, count } of parts) {
      const { position } = sequence.paged;
      for (let i = 0; i < count; i++)
        expected.push(...this.#row(sequence.naive, tokens[row++]!, position + i));
    }
    const { logits } = await this.#executable.run(this.#memory, {
      tokens,
      sequences: parts.map(({ sequence, count }) => sequence.paged.next(count)),
      outputs: Int32Array.from(tokens.keys()),
      returnLogits: true,
    });
    const width = attention.heads * attention.headDim;
    return [firstColumns(logits!, sketch.shape.vocabSize, width), expected];
  }

  /** Every head of every sequence loses slots of its own. */
  async evict(random: Random): Promise<void> {
    const { pageTokens } = this.#memory.spec;
    const compactions = this.#sequences.flatMap(({ paged, naive }) =>
      naive.map((head, h) => {
        const keep = random.subset(paged.resident[h]!, random.next());
        const source = Int32Array.from(paged.tables[h]!);
        const destination = source.slice(0, Math.ceil(keep.length / pageTokens));
        head.keep(keep);
        paged.resident[h] = keep.length;
        paged.tables[h] = Array.from(source);
        paged.tables[h]!.length = destination.length;
        return { source, keep, destination };
      }),
    );
    await this.#memory.compact(compactions);
  }

  dispose(): void {
    this.#executable.dispose();
    this.#memory.dispose();
  }

  #row(naive: readonly NaiveHead[], token: number, position: number): number[] {
    const { q, k, v, scale } = this.#model;
    const { headDim, heads, kvHeads, mask } = this.#model.attention;
    const head = ({ values, shape }: Weight, h: number) =>
      values.subarray(token * shape[1]! + h * headDim, token * shape[1]! + (h + 1) * headDim);
    naive.forEach((kvHead, h) => {
      kvHead.append(head(k, h), head(v, h), position);
    });
    return Array.from({ length: heads }, (_, h) =>
      naive[Math.floor((h * kvHeads) / heads)]!.attend(head(q, h), scale, mask, position),
    ).flat();
  }
}
