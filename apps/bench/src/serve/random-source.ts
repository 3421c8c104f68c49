import { createHash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { Range } from "./load-settings.ts";

/** Random numbers of a key: the same key gives the same numbers, and different keys unrelated ones. */
export class RandomSource {
  readonly #generator;

  constructor(...key: readonly (string | number)[]) {
    // Hashed, as the first numbers of neighbouring states are alike.
    const digest = createHash("sha256").update(key.join("/")).digest();
    this.#generator = xoroshiro128plusFromState([0, 4, 8, 12].map((at) => digest.readInt32LE(at)));
  }

  /** From 0 up to 1, which is left out. */
  readonly unit = (): number => uniformFloat64(this.#generator);

  /** A whole number of a range, its ends included. */
  whole({ low, high }: Range): number {
    return uniformInt(this.#generator, low, high);
  }

  /** A number of a range. */
  between({ low, high }: Range): number {
    return low + this.unit() * (high - low);
  }

  /** One of these, each as likely. */
  pick<T>(items: readonly T[]): T {
    return items[this.whole({ low: 0, high: items.length - 1 })]!;
  }
}
