import type { Device, Executable, Instruction, Program, Tensor } from "@kvasir/kernels";

/** The heads of one layer of attention. */
export type AttentionShape = {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
};

/** Token ids that queries, keys and values are looked up by. */
export const vocabSize = 64;

/** One layer: a program that only fills the cache, and one that attends to it too. */
export class PrefixPrograms implements Disposable {
  readonly filling: Executable;
  readonly attending: Executable;
  readonly #tensors: readonly Tensor[];

  constructor(device: Device, { heads, kvHeads, headDim }: AttentionShape) {
    const [queries, keys] = [heads * headDim, kvHeads * headDim];
    const table = (rows: number, columns: number, seed: number) =>
      device.tensor("f32", [rows, columns], numbers(rows * columns, seed));
    this.#tensors = [queries, keys, keys, queries].map((width, i) => table(vocabSize, width, i + 1));
    const program = (attention: readonly Instruction[]): Program => ({
      kvLayers: 1,
      kvHeads,
      headDim,
      vocabSize,
      buffers: [
        ...[queries, keys, keys, queries].map((width) => ({ width, rows: "tokens" }) as const),
        { width: queries, rows: "outputs" },
        { width: vocabSize, rows: "outputs" },
      ],
      tensors: this.#tensors,
      ropes: [{ inverseFrequencies: Float64Array.of(1), scale: 1, interleaved: false }],
      instructions: [
        ...[0, 1, 2].map((i) => ({ op: "embed", out: i, table: i }) as const),
        { op: "writeKv", kvLayer: 0, k: 1, v: 2 },
        ...attention,
        { op: "gatherOutputs", out: 4, x: attention.length > 0 ? 3 : 0 },
        { op: "linear", out: 5, x: 4, weight: 3 },
      ],
      logits: 5,
    });
    const scale = headDim ** -0.5;
    const mask = { strict: false, window: 0 };
    this.filling = device.compile(program([]));
    this.attending = device.compile(
      program([{ op: "attend", out: 3, q: 0, kvLayer: 0, scale, ...mask, rope: 0 }]),
    );
  }

  [Symbol.dispose](): void {
    for (const owned of [this.filling, this.attending, ...this.#tensors]) owned.dispose();
  }
}

/** Numbers from -1 to 1 that look random and are the same in every run. */
function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin((i + 1) * (i + 1) * seed));
}
