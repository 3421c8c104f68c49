import type { WorkloadSettings } from "../load-settings.ts";
import { RandomSource } from "../random-source.ts";
import { promptContent } from "./prompt-content.ts";
import type { WordCount } from "./prompt-words.ts";
import { type Session, singleRequest, type Workload } from "./workload.ts";

/** Prompts that share nothing. */
export class RandomWorkload implements Workload {
  readonly #settings: WorkloadSettings;
  readonly #words: WordCount;
  readonly #seed: number;

  constructor(settings: WorkloadSettings, words: WordCount, seed: number) {
    this.#settings = settings;
    this.#words = words;
    this.#seed = seed;
  }

  session(index: number): Session {
    const { promptTokens, outputTokens, vocabSize } = this.#settings;
    const random = new RandomSource(this.#seed, "random", index);
    return singleRequest("random", {
      outputTokens: random.whole(outputTokens),
      content: promptContent(random, random.whole(promptTokens), this.#words, vocabSize),
      scope: `random ${index}`,
    });
  }
}
