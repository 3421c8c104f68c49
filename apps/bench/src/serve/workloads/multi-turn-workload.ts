import type { WorkloadSettings } from "../load-settings.ts";
import { RandomSource } from "../random-source.ts";
import { promptWords, type WordCount } from "./prompt-words.ts";
import type { PlannedRequest, Session, Turn, Workload } from "./workload.ts";

/** Conversations: each turn sends all that was said before, and comes after a time to think. */
export class MultiTurnWorkload implements Workload {
  readonly #settings: WorkloadSettings;
  readonly #words: WordCount;
  readonly #seed: number;

  constructor(settings: WorkloadSettings, words: WordCount, seed: number) {
    this.#settings = settings;
    this.#words = words;
    this.#seed = seed;
  }

  session(index: number): Session {
    const random = new RandomSource(this.#seed, "multi-turn", index);
    return new Conversation(this.#settings, this.#words, random, `conversation ${index}`);
  }
}

class Conversation implements Session {
  readonly workload = "multi-turn";
  readonly #settings: WorkloadSettings;
  readonly #words: WordCount;
  readonly #random: RandomSource;
  readonly #scope: string;
  readonly #turns: number;
  #said: readonly Turn[] = [];
  #asked = 0;

  constructor(settings: WorkloadSettings, words: WordCount, random: RandomSource, scope: string) {
    this.#settings = settings;
    this.#words = words;
    this.#random = random;
    this.#scope = scope;
    this.#turns = random.whole(settings.turns);
  }

  next(answer?: string): PlannedRequest | undefined {
    if (this.#asked === this.#turns) return undefined;
    const { promptTokens, outputTokens, thinkSeconds } = this.#settings;
    const words = this.#asked === 0 ? this.#words : { ...this.#words, overhead: 0 };
    const content = promptWords(this.#random, this.#random.whole(promptTokens), words);
    const answered: Turn[] = answer === undefined ? [] : [{ role: "assistant", content: answer }];
    this.#said = [...this.#said, ...answered, { role: "user", content }];
    const thinkMs = this.#asked === 0 ? 0 : 1000 * this.#random.between(thinkSeconds);
    this.#asked++;
    return {
      content: { kind: "turns", turns: this.#said },
      outputTokens: this.#random.whole(outputTokens),
      scope: this.#scope,
      thinkMs,
    };
  }
}
