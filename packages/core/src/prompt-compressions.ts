import type { EngineError } from "./engine-error.ts";
import { type Eviction, evict } from "./eviction.ts";
import type { SignalSource } from "./head-signals.ts";
import { OneAtATime } from "./one-at-a-time.ts";
import type { PageClaims } from "./page-claims.ts";
import type { Sequence } from "./sequence.ts";

/** Told of each compression that ends: what it evicted, or what went wrong. */
export type CompressionEnd = (sequence: Sequence, eviction: Eviction, error?: EngineError) => void;

const nothing: Eviction = { slots: 0, pages: 0 };

/**
 * Evictions at the ends of prompts and of their chunks, beside the steps of other sequences: all heads of a long
 * prompt at once may take many times as long as a step. A sequence takes part in no step meanwhile.
 */
export class PromptCompressions {
  readonly #source: SignalSource;
  readonly #claims: Pick<PageClaims, "forEviction">;
  readonly #turn: <T>(work: () => T) => Promise<T>;
  readonly #slices = new OneAtATime();
  readonly #under = new Set<Sequence>();

  /** @param turn runs what changes page tables when no step is under way */
  constructor(
    source: SignalSource,
    claims: Pick<PageClaims, "forEviction">,
    turn: <T>(work: () => T) => Promise<T>,
  ) {
    this.#source = source;
    this.#claims = claims;
    this.#turn = turn;
  }

  has(sequence: Sequence): boolean {
    return this.#under.has(sequence);
  }

  /** Never rejects: whatever goes wrong is told. */
  async start(sequence: Sequence, ended: CompressionEnd): Promise<void> {
    this.#under.add(sequence);
    let error: EngineError | undefined;
    const evictions = await evict([sequence], {
      source: this.#source,
      claims: this.#claims,
      turn: this.#turn,
      fail: (_, cause) => {
        error = cause;
      },
      slice: (work) => this.#slices.run(work),
    });
    this.#under.delete(sequence);
    ended(sequence, evictions.get(sequence) ?? nothing, error);
  }
}
