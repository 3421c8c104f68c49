import type { Sampling, StepResult } from "@kvasir/runtime";
import { ChunkQueue } from "./chunk-queue.ts";
import { forcedSampling } from "./forced-sampling.ts";
import type { ScoredToken } from "./score-request.ts";
import { Sequence, type SequenceOptions } from "./sequence.ts";

/** Logits that wait for a reader take no more bytes than this, and at least those of one token. */
const waitingBytes = 16 * 2 ** 20;

/** A sequence whose new tokens are given. */
export class ScoreSequence extends Sequence {
  readonly kind = "score";
  readonly queue: ChunkQueue<ScoredToken>;
  override readonly returnLogits: boolean;
  readonly #continuation: Int32Array;
  readonly #vocabSize: number;

  constructor(
    options: SequenceOptions & {
      readonly continuation: Int32Array;
      readonly logits: boolean;
      /** Of the model. */
      readonly vocabSize: number;
    },
  ) {
    super(options);
    const { continuation, logits, vocabSize } = options;
    this.#continuation = continuation;
    this.#vocabSize = vocabSize;
    this.returnLogits = logits;
    const fitting = Math.max(1, Math.floor(waitingBytes / (4 * vocabSize)));
    this.queue = new ChunkQueue(logits ? Math.min(256, fitting) : 256);
  }

  sampling(): Sampling {
    const next = this.generated;
    return forcedSampling(this.#continuation.subarray(next, next + 1), next);
  }

  accept(result: StepResult, output: number): boolean {
    const id = this.#continuation[this.generated]!;
    // Its logit is no number, or minus infinity.
    if (result.tokens[output] !== id) throw new Error(`the model gives token ${id} no probability`);
    this.tokens.push(id);
    const start = output * this.#vocabSize;
    const pages = this.pages!;
    this.queue.push({
      id,
      logprob: result.logprobs[output]!,
      residentTokens: this.residentSlots / pages.heads,
      pages: pages.pageCount,
      ...(this.returnLogits && { logits: result.logits!.slice(start, start + this.#vocabSize) }),
    });
    return this.generated === this.#continuation.length;
  }
}
