import { randomIds } from "../../random-ids.ts";
import type { RandomSource } from "../random-source.ts";
import { promptWords, type WordCount } from "./prompt-words.ts";
import type { Content } from "./workload.ts";

/** A random prompt of so many tokens: exactly as ids, about as words. */
export function promptContent(
  random: RandomSource,
  tokens: number,
  words: WordCount,
  vocabSize: number | undefined,
): Content {
  if (vocabSize !== undefined) return { kind: "ids", ids: promptIds(random, tokens, vocabSize) };
  return { kind: "turns", turns: [{ role: "user", content: promptWords(random, tokens, words) }] };
}

/** So many token ids. */
export function promptIds(random: RandomSource, tokens: number, vocabSize: number): readonly number[] {
  return [...randomIds(tokens, vocabSize, random.whole({ low: 0, high: 2 ** 30 }))];
}
