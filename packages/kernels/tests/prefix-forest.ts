import type { Device, Executable, PageMemory } from "../src/device.ts";
import type { DType } from "../src/dtype.ts";
import type { AttentionCollection, StepSequence } from "../src/step.ts";
import { PagedSequence, PageIds } from "./paged-sequence.ts";
import { ProgramSketch } from "./program-sketch.ts";
import type { Random } from "./random.ts";
import { coarseWeight, f32Weight, type Weight } from "./weight.ts";

export type ForestShape = {
  readonly headDim: number;
  readonly kvHeads: number;
  /** Query heads to a KV head. */
  readonly group: number;
  readonly dtype: DType;
  readonly pageTokens: 16 | 32;
  /** Of the second KV layer; the first shows everything. */
  readonly mask: { readonly strict: boolean; readonly window: number };
};

/** Which prefixes sequences have in common: none, one for all, or each that of any earlier one. */
export type Sharing = "none" | "all" | "nested";

type Tree = {
  readonly paged: PagedSequence;
  readonly sinks: number;
  readonly collect?: AttentionCollection;
};

/** Some sequences in one page memory, of which many begin with pages of others. */
export class PrefixForest implements Disposable {
  readonly #random: Random;
  readonly #shape: ForestShape;
  readonly #memory: PageMemory;
  /** Writes keys and values, and attends to nothing: contexts cost little. */
  readonly #filling: Executable;
  readonly #attending: Executable;
  readonly #ids: PageIds;
  readonly #trees: Tree[] = [];

  constructor(device: Device, random: Random, shape: ForestShape) {
    const { headDim, kvHeads, dtype, pageTokens } = shape;
    this.#random = random;
    this.#shape = shape;
    const seed = random.integer(0, 1 << 30);
    [this.#filling, this.#attending] = programs(random, shape).map((sketch) => sketch.compileOn(device)) as [
      Executable,
      Executable,
    ];
    const pages = (kvHeads * 40_960) / pageTokens;
    this.#memory = device.pageMemory({ pages, pageTokens, headDim, dtype });
    this.#ids = PageIds.scattered(pages, seed);
  }

  /** Adds sequences. Each has at most 1,300 tokens, of which up to 150 are its own where it shares some. */
  async grow(count: number, sharing: Sharing): Promise<void> {
    const random = this.#random;
    for (let i = 0; i < count; i++) {
      const alone = i === 0 || sharing === "none" || (sharing === "nested" && random.next() < 0.1);
      const from = sharing === "all" ? this.#trees[0] : random.pick(this.#trees);
      const paged = alone || !from ? this.#root() : this.#branch(from.paged, sharing);
      const short = sharing === "none" && count > 8;
      const most = !alone ? random.pick([1, 20, 150]) : short ? 300 : sharing === "all" ? 1300 : 900;
      const own = alone ? random.integer(most / 2, most) : random.pick([0, random.integer(0, most)]);
      if (own > 0) await this.#fill(paged, own);
      if (!alone && random.next() < 0.2) this.#shorten(paged);
      this.#trees.push({
        paged,
        sinks: random.pick([0, 0, 4, 300]),
        // It writes to all of its pages, which no other sequence of the step may do.
        ...(i === 0 && { collect: { reduce: "mean", temperature: 1 } as const }),
      });
    }
  }

  /** A step of most sequences in any order, one row each but for some: the logits of all rows, and those of each alone. */
  async step(): Promise<{ together: Float32Array; alone: Float32Array }> {
    const random = this.#random;
    const parts = random
      .permutation(this.#trees.length)
      .filter((_, i) => i === 0 || random.next() < 0.95)
      .map((i) => {
        const { paged, sinks, collect } = this.#trees[i]!;
        const rows = random.next() < 0.9 ? 1 : random.integer(2, 5);
        const sequence: StepSequence = { ...paged.next(rows, sinks), ...(collect && { collect }) };
        return { sequence, tokens: random.integers(rows, 0, vocabSize(this.#shape) - 1) };
      });
    const together = await this.#run(this.#attending, parts);
    const each = [];
    // Writes the same keys and values to the same slots again.
    for (const part of parts) each.push(...(await this.#run(this.#attending, [part])));
    return { together, alone: Float32Array.from(each) };
  }

  [Symbol.dispose](): void {
    for (const owned of [this.#filling, this.#attending, this.#memory]) owned.dispose();
  }

  #root(): PagedSequence {
    return new PagedSequence(this.#ids, this.#shape.pageTokens, 2 * this.#shape.kvHeads);
  }

  /** A sequence that begins with the first pages of another, often with whole spans of 256 slots. */
  #branch(from: PagedSequence, sharing: Sharing): PagedSequence {
    const { pageTokens } = this.#shape;
    const most = Math.min(...from.resident, 1150);
    const tokens =
      sharing === "all"
        ? most
        : this.#random.pick([most, most - (most % 256), this.#random.integer(0, most)]);
    const pages = Math.floor(tokens / pageTokens);
    const branch = this.#root();
    branch.position = pages * pageTokens;
    from.tables.forEach((table, head) => {
      branch.tables[head] = table.slice(0, pages);
      branch.resident[head] = branch.position;
    });
    return branch;
  }

  /** Heads lose their last pages, each some number of its own. */
  #shorten(paged: PagedSequence): void {
    const { pageTokens } = this.#shape;
    paged.tables.forEach((table, head) => {
      const whole = Math.floor(paged.resident[head]! / pageTokens);
      table.length = this.#random.pick([whole, this.#random.integer(0, whole)]);
      paged.resident[head] = table.length * pageTokens;
    });
  }

  async #fill(paged: PagedSequence, rows: number): Promise<void> {
    const tokens = this.#random.integers(rows, 0, vocabSize(this.#shape) - 1);
    await this.#run(this.#filling, [{ sequence: paged.next(rows), tokens }], new Int32Array(0));
  }

  async #run(
    executable: Executable,
    parts: readonly { readonly sequence: StepSequence; readonly tokens: Int32Array }[],
    outputs?: Int32Array,
  ): Promise<Float32Array> {
    const tokens = Int32Array.from(parts.flatMap((part) => Array.from(part.tokens)));
    const { logits } = await executable.run(this.#memory, {
      tokens,
      sequences: parts.map(({ sequence }) => sequence),
      outputs: outputs ?? Int32Array.from(tokens.keys()),
      returnLogits: true,
    });
    return logits!;
  }
}

/** [rows, columns], the same every 32 rows: numbers are slow to draw. */
function repeated(random: Random, rows: number, columns: number): Weight {
  const { data } = coarseWeight(random, [32, columns]);
  return f32Weight(
    [rows, columns],
    Float32Array.from({ length: rows * columns }, (_, i) => data[i % data.length]!),
  );
}

function vocabSize({ kvHeads, group, headDim }: ForestShape): number {
  return kvHeads * group * headDim;
}

/** Two programs over the same two KV layers; the second gives what both layers attend to, added up. */
function programs(random: Random, shape: ForestShape): [ProgramSketch, ProgramSketch] {
  const { kvHeads, headDim, mask } = shape;
  const width = vocabSize(shape);
  const query = repeated(random, width, width);
  const tables = Array.from({ length: 4 }, () => repeated(random, width, kvHeads * headDim));
  const sketches = [0, 1].map(() => {
    const sketch = new ProgramSketch({ kvLayers: 2, kvHeads, headDim, vocabSize: width });
    const [k0, v0, k1, v1] = tables.map((table) => sketch.embed(table)) as [number, number, number, number];
    sketch.push({ op: "writeKv", kvLayer: 0, k: k0, v: v0 }, { op: "writeKv", kvLayer: 1, k: k1, v: v1 });
    return sketch;
  }) as [ProgramSketch, ProgramSketch];
  const [filling, attending] = sketches;
  filling.readOut(filling.embed(query));
  const q = attending.embed(query);
  const inverseFrequencies = Float64Array.of(1, 0.1, 0.01);
  const rope = attending.rope({ inverseFrequencies, scale: 1, interleaved: false });
  const [everything, masked, sum] = [width, width, width].map((size) => attending.buffer(size)) as [
    number,
    number,
    number,
  ];
  const scale = headDim ** -0.5;
  const whole = { strict: false, window: 0 };
  attending.push(
    { op: "attend", out: everything, q, kvLayer: 0, scale, ...whole, rope },
    { op: "attend", out: masked, q, kvLayer: 1, scale, ...mask, rope },
    { op: "add", out: sum, a: everything, b: masked },
  );
  attending.readOut(sum);
  return [filling, attending];
}
