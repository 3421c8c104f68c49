import type { RandomSource } from "../random-source.ts";

/** Short and frequent, so that most vocabularies have each as one token. */
const words =
  "the of and to in that was he it with as his on be at by had not are but from or have an they which one you were all her she there would their we him been has when who will no more if out so up said what its about than into them can only other time new some could these two may first then do any like my now over such our man me even most made after also did many off before must well back through years where much your way down should because long each just those people how too little state good very make world still see own men work here get both between life being under three never know same last another while us might great go come since against right came take used himself few house use place during without again home around small however found part school every once upon water light hand high year".split(
    " ",
  );

/** How a server counts words: `tokens = overhead + perWord * words`. */
export type WordCount = { readonly perWord: number; readonly overhead: number };

/** Random words that come to about so many tokens, one at least. */
export function promptWords(random: RandomSource, tokens: number, { perWord, overhead }: WordCount): string {
  const count = Math.max(1, Math.round((tokens - overhead) / perWord));
  return Array.from({ length: count }, () => random.pick(words)).join(" ");
}
