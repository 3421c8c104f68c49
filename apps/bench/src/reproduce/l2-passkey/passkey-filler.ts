import type { Engine } from "@kvasir/core";

/** Sentences that say nothing, again and again: what a passkey is hidden in, as opposed to a needle in real text. */
const sentences = [
  "The rain fell on the roof.",
  "The wind was in the trees.",
  "The road went down to the river.",
  "Nobody was there, and nothing was said.",
  "Then it was morning again.",
];

/**
 * `length` token ids of such sentences.
 * @param first which sentence comes first
 */
export function passkeyFiller({ tokenizer }: Engine, length: number, first: number): Int32Array {
  if (!tokenizer) throw new RangeError("model: expected one with a vocabulary, to write prompts with");
  const round = sentences.map((_, i) => ` ${sentences[(first + i) % sentences.length]}`).join("");
  const ids = tokenizer.encode(round, { addSpecial: false, parseSpecial: false });
  return Int32Array.from({ length }, (_, i) => ids[i % ids.length]!);
}
