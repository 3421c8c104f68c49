import { RandomSource } from "../random-source.ts";
import type { FormedRequest } from "../request-form.ts";

/** A greedy request and what was answered under load. */
export type CheckedRequest = {
  readonly formed: FormedRequest;
  readonly text: string;
  readonly finishReason: string | undefined;
  /** Its client stayed to the end; otherwise the text is how far it came. */
  readonly whole: boolean;
};

/** Of all greedy requests of a run, so many at random, each as likely as the others (a reservoir). */
export class CheckSample {
  readonly #size: number;
  readonly #random: RandomSource;
  readonly #kept: CheckedRequest[] = [];
  #offered = 0;

  constructor(size: number, seed: number) {
    this.#size = size;
    this.#random = new RandomSource(seed, "check");
  }

  get requests(): readonly CheckedRequest[] {
    return this.#kept;
  }

  /** Takes it into account, if it is greedy. */
  offer(request: CheckedRequest): void {
    if (request.formed.body.temperature !== 0) return;
    this.#offered++;
    if (this.#kept.length < this.#size) {
      this.#kept.push(request);
      return;
    }
    const place = this.#random.whole({ low: 0, high: this.#offered - 1 });
    if (place < this.#size) this.#kept[place] = request;
  }
}
