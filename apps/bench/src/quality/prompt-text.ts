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

/**
 * Text that the model itself draws at temperature 1, every stretch by itself. It needs no file, and fits any model:
 * under the distribution that it is drawn from, what a cut cache adds to its loss is the divergence itself.
 */
export function ownText(engine: Engine, { seed, signal }: TextOptions): PromptText {
  const start = startIds(engine);
  let drawn = 0;
  return {
    source: `drawn from the model itself at temperature 1, seed ${seed}`,
    take: (count, length) =>
      Promise.all(
        Array.from({ length: count }, async () => {
          const own = seed * 100_003 + drawn++;
          const first = start.length > 0 ? new Int32Array(0) : randomIds(1, engine.info.vocabSize, own);
          const { ids } = await engine.complete({
            prompt: Int32Array.from([...start, ...first]),
            maxTokens: length - first.length,
            temperature: 1,
            seed: own,
            ignoreEos: true,
            signal,
          });
          return Int32Array.from([...first, ...ids]);
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
