import { type PagePool, SequencePages } from "@kvasir/paged-memory";
import type { Model } from "@kvasir/runtime";
import { EngineError } from "./engine-error.ts";
import type { Sequence } from "./sequence.ts";

/**
 * Who may use how many pages. A sequence runs when the most pages that it can need at once are free of other
 * promises, so no step ever finds the pool empty; its promise shrinks when its prompt has been compressed.
 */
export class PagePromises {
  readonly #pool: PagePool;
  readonly #kvLayers: number;
  readonly #kvHeads: number;
  readonly #pageTokens: number;
  readonly #chunkTokens: number;
  #promised = 0;

  constructor(
    pool: PagePool,
    { kvLayers, kvHeads }: Pick<Model, "kvLayers" | "kvHeads">,
    { pageTokens, chunkTokens }: { readonly pageTokens: number; readonly chunkTokens: number },
  ) {
    this.#pool = pool;
    this.#kvLayers = kvLayers;
    this.#kvHeads = kvHeads;
    this.#pageTokens = pageTokens;
    this.#chunkTokens = chunkTokens;
  }

  /** The most pages that a sequence holds at once from now on; `promptDone`: its prompt was read and compressed. */
  #need(sequence: Sequence, promptDone: boolean): number {
    const { policy, promptLength, maxLength, allocation, logical } = sequence;
    let pages = 0;
    for (let index = 0; index < this.#kvLayers * this.#kvHeads; index++) {
      const layer = Math.floor(index / this.#kvHeads);
      const { prefill, decode } = policy.maximumResident({
        layer,
        prompt: promptLength,
        maxNew: maxLength - promptLength,
        chunk: this.#chunkTokens,
        ...(allocation && { share: allocation.shares[index]! }),
      });
      // A policy that sizes itself announces much and may have kept little; what it kept grows a slot a token.
      const slots = promptDone
        ? Math.min(decode, sequence.pages!.resident(layer, index % this.#kvHeads) + maxLength - logical)
        : Math.max(prefill, decode);
      pages += Math.ceil(slots / this.#pageTokens);
    }
    return pages;
  }

  /** Throws `out-of-pages` where the sequence could not run even alone. */
  requirePossible(sequence: Sequence): void {
    const need = this.#need(sequence, false);
    if (need <= this.#pool.capacity) return;
    throw new EngineError(
      "out-of-pages",
      `${sequence.promptLength} prompt tokens and up to ${sequence.maxLength - sequence.promptLength} new ones may need ` +
        `${need} pages at once; the KV memory has ${this.#pool.capacity}. Ask for fewer tokens, a smaller KV budget, or give it more memory`,
      "maxTokens",
    );
  }

  /** Promises the sequence its pages and gives it empty tables; false where it has to wait. */
  admit(sequence: Sequence): boolean {
    const need = this.#need(sequence, false);
    if (this.#promised + need > this.#pool.capacity) return false;
    this.#promised += need;
    sequence.promised = need;
    sequence.pages = new SequencePages({
      pool: this.#pool,
      kvLayers: this.#kvLayers,
      kvHeads: this.#kvHeads,
      pageTokens: this.#pageTokens,
    });
    return true;
  }

  /** Takes back what a running sequence cannot need any more, once its prompt or a chunk of it was compressed. */
  renew(sequence: Sequence): void {
    if (!sequence.pages || !sequence.policy.evicts || sequence.phase === "decode") return;
    const need = Math.min(sequence.promised, this.#need(sequence, sequence.logical >= sequence.promptLength));
    this.#promised += need - sequence.promised;
    sequence.promised = need;
  }

  /** The sequence is over: its pages and its promise are free. */
  release(sequence: Sequence): void {
    sequence.pages?.dispose();
    sequence.pages = undefined;
    this.#promised -= sequence.promised;
    sequence.promised = 0;
  }
}
