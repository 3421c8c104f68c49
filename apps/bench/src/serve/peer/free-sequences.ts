import type { LlamaSequence } from "../../llama-api.ts";

export type PeerSequence = Pick<
  LlamaSequence,
  "contextTokens" | "nextTokenIndex" | "adaptStateToTokens" | "evaluate"
>;

/** Sequences that no request has, and the requests that wait for one, first come, first served. */
export class FreeSequences {
  readonly #free: PeerSequence[];
  readonly #waiting: ((sequence: PeerSequence) => void)[] = [];

  constructor(sequences: readonly PeerSequence[]) {
    this.#free = [...sequences];
  }

  /** Of the free ones, the one whose cache begins most like `tokens`; waits where none is free. */
  async take(tokens: readonly number[]): Promise<PeerSequence> {
    const best = this.#free.toSorted((a, b) => shared(b, tokens) - shared(a, tokens))[0];
    if (!best) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#free.splice(this.#free.indexOf(best), 1);
    return best;
  }

  give(sequence: PeerSequence): void {
    const next = this.#waiting.shift();
    if (next) next(sequence);
    else this.#free.push(sequence);
  }
}

/** Tokens at the beginning that are the same. */
function shared({ contextTokens }: PeerSequence, tokens: readonly number[]): number {
  const different = contextTokens.findIndex((token, i) => token !== tokens[i]);
  return different === -1 ? contextTokens.length : different;
}
