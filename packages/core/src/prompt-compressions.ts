import type { EngineError } from "./engine-error.ts";
import { evict } from "./eviction.ts";
import type { SignalSource } from "./head-signals.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import type { Sequence } from "./sequence.ts";

/** Told of each compression that ends: how many slots it evicted, or what went wrong. */
export type CompressionEnd = (sequence: Sequence, evicted: number, error?: EngineError) => void;

/**
 * Evictions at the ends of prompts and of their chunks, beside the steps of other sequences: all heads of a long
 * prompt at once may take many times as long as a step. A sequence takes part in no step meanwhile.
 */
export class PromptCompressions {
  readonly #source: SignalSource;
  readonly #slices = new OneAtATime();
  readonly #under = new Set<Sequence>();

  constructor(source: SignalSource) {
    this.#source = source;
  }

  has(sequence: Sequence): boolean {
    return this.#under.has(sequence);
  }

  /** Never rejects: whatever goes wrong is told. */
  async start(sequence: Sequence, ended: CompressionEnd): Promise<void> {
    this.#under.add(sequence);
    let error: EngineError | undefined;
    const evicted = await evict([sequence], {
      source: this.#source,
      fail: (_, cause) => {
        error = cause;
      },
      slice: (work) => this.#slices.run(work),
    });
    this.#under.delete(sequence);
    ended(sequence, evicted, error);
  }
}
