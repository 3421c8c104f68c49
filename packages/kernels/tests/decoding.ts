import type { Device, Executable, PageMemory, PageMemorySpec } from "../src/device.ts";
import { PagedSequence, PageIds } from "./paged-sequence.ts";
import type { ProgramSketch } from "./program-sketch.ts";

/** A program on a device with page memory of its own; collects the logits of every row it runs. */
export class Decoding implements Disposable {
  readonly executable: Executable;
  readonly memory: PageMemory;
  readonly #ids: PageIds;
  readonly #heads: number;

  constructor(
    device: Device,
    sketch: ProgramSketch,
    spec: Partial<PageMemorySpec> = {},
    scatter?: number,
    executable = sketch.compileOn(device),
  ) {
    const { kvLayers, kvHeads, headDim } = sketch.shape;
    this.memory = device.pageMemory({ pages: 128, pageTokens: 16, headDim, dtype: "f32", ...spec });
    this.executable = executable;
    const { pages } = this.memory.spec;
    this.#ids = scatter === undefined ? PageIds.inOrder(pages) : PageIds.scattered(pages, scatter);
    this.#heads = kvLayers * kvHeads;
  }

  sequence(ids = this.#ids): PagedSequence {
    return new PagedSequence(ids, this.memory.spec.pageTokens, this.#heads);
  }

  /** One step; per part, the logits of its rows: [rows * vocabSize]. */
  async step(...parts: readonly (readonly [PagedSequence, Int32Array])[]): Promise<Float32Array[]> {
    const tokens = Int32Array.from(parts.flatMap(([, part]) => Array.from(part)));
    const sequences = parts.map(([sequence, part]) => sequence.next(part.length));
    const outputs = Int32Array.from(tokens.keys());
    const { logits } = await this.executable.run(this.memory, {
      tokens,
      sequences,
      outputs,
      returnLogits: true,
    });
    const { vocabSize } = this.executable.program;
    let row = 0;
    return parts.map(([, part]) => {
      const start = row;
      row += part.length;
      return logits!.slice(start * vocabSize, row * vocabSize);
    });
  }

  /** All tokens, in chunks of `size`: the logits of all rows. */
  async inChunks(sequence: PagedSequence, tokens: Int32Array, size: number): Promise<Float32Array> {
    const { vocabSize } = this.executable.program;
    const all = new Float32Array(tokens.length * vocabSize);
    for (let start = 0; start < tokens.length; start += size) {
      const [logits] = await this.step([sequence, tokens.subarray(start, start + size)]);
      all.set(logits!, start * vocabSize);
    }
    return all;
  }

  [Symbol.dispose](): void {
    this.executable.dispose();
    this.memory.dispose();
  }
}
