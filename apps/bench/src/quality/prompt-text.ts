import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type { Engine } from "@kvasir/core";
import { randomIds } from "../random-ids.ts";

/** Where the tokens of windows, and what keys are hidden in, come from. */
export interface PromptText {
  readonly source: string;
  /** SHA-256 of a file's bytes. */
  readonly sha256?: string;
  /** `count` stretches of `length` token ids, no special ones around them. The same ones for the same seed. */
  take(count: number, length: number): Promise<Int32Array[]>;
}

type TextOptions = { readonly seed: number; readonly signal: AbortSignal };

/** The ids that the vocabulary puts in front of a text; usually one BOS, or none. */
export function startIds({ tokenizer }: Engine): Int32Array {
  return tokenizer?.encode("") ?? new Int32Array(0);
}

/** How drawn text begins: as prose, whatever a model would begin with by itself. */
const openings = [
  ...[
    "It was",
    "When the",
    "She had",
    "They went",
    "In the morning",
    "The old man",
    "There was",
    "Before long",
  ],
  ...[
    "He did not",
    "At last",
    "For a while",
    "Nobody",
    "The house",
    "One evening",
    "From the hill",
    "After that",
  ],
];

/** As many as a request may bias. */
const mostBiased = 1024;

/**
 * Text that the model itself draws at temperature 1, every stretch by itself. It needs no file, and fits any model:
 * under the distribution that it is drawn from, what a cut cache adds to its loss is the divergence itself. Digits are
 * left out, so that no key is in it but those that are hidden there.
 */
export function ownText(engine: Engine, { seed, signal }: TextOptions): PromptText {
  const { tokenizer } = engine;
  if (!tokenizer) throw new RangeError("model: expected one with a vocabulary, to draw a text with");
  const start = startIds(engine);
  const digits = Array.from({ length: tokenizer.vocabSize }, (_, id) => id)
    .filter((id) => tokenizer.tokenBytes(id).some((byte) => byte >= 0x30 && byte <= 0x39))
    .slice(0, mostBiased);
  const logitBias = Object.fromEntries(digits.map((id) => [id, -100]));
  let drawn = 0;
  return {
    source: `drawn from the model itself at temperature 1 without digits, seed ${seed}`,
    take: (count, length) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const own = seed * 100_003 + drawn++;
          const opening = tokenizer
            .encode(openings[own % openings.length]!, { addSpecial: false })
            .subarray(0, length);
          if (opening.length === length) return opening;
          const { ids } = await engine.complete({
            prompt: Int32Array.from([...start, ...opening]),
            maxTokens: length - opening.length,
            temperature: 1,
            seed: own,
            ignoreEos: true,
            logitBias,
            signal,
          });
          return Int32Array.from([...opening, ...ids]);
        }),
      ),
  };
}

/** Stretches of a text file, spread over its whole length. */
export async function fileText(
  engine: Engine,
  path: string,
  { seed, signal }: TextOptions,
): Promise<PromptText> {
  const bytes = await readFile(path, { signal });
  if (!engine.tokenizer) throw new RangeError("text: this model has no vocabulary to read a text with");
  const ids = await engine.tokenizer.encodeAsync(bytes.toString("utf8"), {
    addSpecial: false,
    parseSpecial: false,
  });
  return {
    source: basename(path),
    sha256: createHash("sha256").update(bytes).digest("hex"),
    take: async (count, length) => spread(ids, count, length, seed),
  };
}

/** Cuts a text into as many parts as stretches are wanted, and takes one from a random place in each. */
export function spread(ids: Int32Array, count: number, length: number, seed: number): Int32Array[] {
  const part = Math.floor(ids.length / count);
  if (part < length) {
    throw new RangeError(
      `text: expected at least ${count * length} tokens for ${count} stretches of ${length}, received ${ids.length}`,
    );
  }
  const offsets = randomIds(count, 2 ** 30, seed);
  return Array.from({ length: count }, (_, i) => {
    const at = i * part + (offsets[i]! % (part - length + 1));
    return ids.slice(at, at + length);
  });
}
