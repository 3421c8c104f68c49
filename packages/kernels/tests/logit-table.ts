import type { Device, Executable, PageMemory } from "../src/device.ts";
import type { Sampling, StepResult } from "../src/step.ts";
import { ProgramSketch } from "./program-sketch.ts";
import { f32Weight } from "./weight.ts";

/** A program whose logits are the row of a table that the token names. */
export class LogitTable implements Disposable {
  readonly #executable: Executable;
  readonly #memory: PageMemory;

  constructor(device: Device, logits: readonly ArrayLike<number>[]) {
    const vocabSize = logits[0]!.length;
    const sketch = new ProgramSketch({ kvLayers: 1, kvHeads: 1, headDim: 2, vocabSize });
    const data = new Float32Array(vocabSize * vocabSize);
    for (const [i, row] of logits.entries()) data.set(row, i * vocabSize);
    const x = sketch.embed(f32Weight([vocabSize, vocabSize], data));
    const out = sketch.buffer(vocabSize, "outputs");
    sketch.push({ op: "gatherOutputs", out, x });
    this.#executable = sketch.logits(out).compileOn(device);
    this.#memory = device.pageMemory({ pages: 2048, pageTokens: 16, headDim: 2, dtype: "f32" });
  }

  /** Samples once for each setting, from the logits of row `rows[i]` or, where none is given, row 0. */
  run(sampling: readonly Sampling[], rows: readonly number[] = []): Promise<StepResult> {
    const tokens = Int32Array.from(sampling, (_, i) => rows[i] ?? 0);
    const pages = Int32Array.from({ length: Math.ceil(tokens.length / 16) }, (_, i) => i);
    const sequence = { rows: tokens.length, position: 0, resident: Int32Array.of(0), pages, sinks: 0 };
    const outputs = Int32Array.from(tokens.keys());
    return this.#executable.run(this.#memory, { tokens, sequences: [sequence], outputs, sampling });
  }

  [Symbol.dispose](): void {
    this.#executable.dispose();
    this.#memory.dispose();
  }
}
