import type { Sampling, StepResult } from "@kvasir/runtime";
import { ChunkQueue } from "./chunk-queue.ts";
import { forcedSampling } from "./forced-sampling.ts";
import { Sequence, type SequenceOptions } from "./sequence.ts";

/** A prompt that is read for its vector. Its outputs are rows of the last norm, where others' are logits. */
export class EmbedSequence extends Sequence {
  readonly kind = "embed";
  readonly queue = new ChunkQueue<Float32Array>();
  readonly #pooling: "mean" | "last";
  readonly #normalize: boolean;
  readonly #sums: Float64Array;
  /** Position of the row that is to be added next: a prompt that is computed again counts once. */
  #next = 0;

  constructor(
    options: SequenceOptions & {
      readonly pooling: "mean" | "last";
      readonly normalize: boolean;
      readonly hiddenSize: number;
    },
  ) {
    super(options);
    this.#pooling = options.pooling;
    this.#normalize = options.normalize;
    this.#sums = new Float64Array(options.hiddenSize);
  }

  override get wantsPrompt(): boolean {
    return this.#pooling === "mean";
  }

  /** Steps for vectors sample nothing. */
  override promptSampling(): Sampling {
    return this.sampling();
  }

  sampling(): Sampling {
    return forcedSampling(this.tokens.view(0, 1), 0);
  }

  override acceptPrompt(result: StepResult, output: number, position: number): void {
    if (position === this.#next) this.#add(result, output);
  }

  accept(result: StepResult, output: number): boolean {
    if (this.#pooling === "last") this.#next = 0;
    this.#add(result, output);
    const mean = this.#sums.map((sum) => sum / this.#next);
    const length = this.#normalize ? Math.sqrt(mean.reduce((sum, value) => sum + value * value, 0)) || 1 : 1;
    this.queue.push(Float32Array.from(mean, (value) => value / length));
    return true;
  }

  #add({ logits }: StepResult, output: number): void {
    const { length } = this.#sums;
    for (let i = 0; i < length; i++) this.#sums[i]! += logits![output * length + i]!;
    this.#next += 1;
  }
}
