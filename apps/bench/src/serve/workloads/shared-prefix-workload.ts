import type { WorkloadSettings } from "../load-settings.ts";
import { RandomSource } from "../random-source.ts";
import { promptIds } from "./prompt-content.ts";
import { promptWords, type WordCount } from "./prompt-words.ts";
import { type Content, type Session, singleRequest, type Workload } from "./workload.ts";

/** Prompts of a few groups: those of one begin alike, with a system prompt of their group. */
export class SharedPrefixWorkload implements Workload {
  readonly #settings: WorkloadSettings;
  readonly #words: WordCount;
  readonly #seed: number;
  readonly #prefixes = new Map<number, Content>();

  constructor(settings: WorkloadSettings, words: WordCount, seed: number) {
    this.#settings = settings;
    this.#words = words;
    this.#seed = seed;
  }

  session(index: number): Session {
    const { groups, suffixTokens, outputTokens } = this.#settings;
    const random = new RandomSource(this.#seed, "shared-prefix", index);
    const group = random.whole({ low: 0, high: groups - 1 });
    return singleRequest("shared-prefix", {
      outputTokens: random.whole(outputTokens),
      content: this.#content(group, random, random.whole(suffixTokens)),
      scope: `group ${group}`,
    });
  }

  #content(group: number, random: RandomSource, suffix: number): Content {
    const { vocabSize } = this.#settings;
    const prefix = this.#prefix(group);
    if (prefix.kind === "ids")
      return { kind: "ids", ids: [...prefix.ids, ...promptIds(random, suffix, vocabSize!)] };
    if (prefix.kind === "body") return prefix;
    const words = promptWords(random, suffix, { ...this.#words, overhead: 0 });
    return { kind: "turns", turns: [...prefix.turns, { role: "user", content: words }] };
  }

  #prefix(group: number): Content {
    let prefix = this.#prefixes.get(group);
    if (!prefix) {
      const { prefixTokens, vocabSize } = this.#settings;
      const random = new RandomSource(this.#seed, "prefix", group);
      prefix =
        vocabSize === undefined
          ? {
              kind: "turns",
              turns: [{ role: "system", content: promptWords(random, prefixTokens, this.#words) }],
            }
          : { kind: "ids", ids: promptIds(random, prefixTokens, vocabSize) };
      this.#prefixes.set(group, prefix);
    }
    return prefix;
  }
}
