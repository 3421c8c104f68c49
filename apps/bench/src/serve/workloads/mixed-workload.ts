import { RandomSource } from "../random-source.ts";
import type { Session, Workload } from "./workload.ts";

export type Part = { readonly workload: Workload; readonly share: number };

/** Sessions of several workloads, by their shares. */
export class MixedWorkload implements Workload {
  readonly #parts: readonly Part[];
  readonly #seed: number;
  readonly #total: number;

  constructor(parts: readonly Part[], seed: number) {
    this.#parts = parts;
    this.#seed = seed;
    this.#total = parts.reduce((sum, { share }) => sum + share, 0);
  }

  session(index: number): Session {
    let left = new RandomSource(this.#seed, "mix", index).unit() * this.#total;
    for (const { workload, share } of this.#parts) {
      left -= share;
      if (left < 0) return workload.session(index);
    }
    // Rounding may leave a hair above the last share.
    return this.#parts.at(-1)!.workload.session(index);
  }
}
