import type { Model } from "@kvasir/runtime";
import type { ContextTimes } from "./generation.ts";
import type { KvMemory } from "./kv-memory.ts";
import { StaticBatch } from "./static-batch.ts";

/** One of the sides that are timed in turns. */
export type Side = { readonly key: string; readonly model: Model; readonly batch: number };

export type TurnOptions = {
  /** Shared by all sides, which use it one after the other. Filled ({@link KvMemory.fill}) where steps are sampled. */
  readonly kv: KvMemory;
  readonly repetitions: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** @param share of the turns that are over, 0 to 1 */
  readonly onProgress?: (share: number) => void;
};

/**
 * Times decoding steps at several lengths: in every repetition each side in turn takes its pages and one step at each
 * length, after one that does not count.
 *
 * @param tokens slots of a sequence, more than every context
 */
export async function timeDecoding(
  sides: readonly Side[],
  tokens: number,
  contexts: readonly number[],
  options: TurnOptions,
): Promise<Readonly<Record<string, readonly ContextTimes[]>>> {
  const { kv, seed, signal } = options;
  const times = await inTurns(sides, options, async ({ model, batch: sequences }) => {
    using batch = await StaticBatch.open({ model, kv, sequences, tokens, seed, ...(signal && { signal }) });
    await batch.decode(contexts[0]!);
    const steps: number[] = [];
    for (const context of contexts) {
      signal?.throwIfAborted();
      steps.push(await batch.decode(context));
    }
    return steps;
  });
  return Object.fromEntries(
    [...times].map(([key, turns]) => [
      key,
      contexts.map((context, i) => ({ context, ms: turns.map((steps) => steps[i]!) })),
    ]),
  );
}

/**
 * Times the encoding of one prompt: every side in turn, after a short prompt that does not count.
 *
 * @returns milliseconds by side, one for each repetition
 */
export async function timePrompt(
  sides: readonly Omit<Side, "batch">[],
  tokens: number,
  options: TurnOptions,
): Promise<Readonly<Record<string, readonly number[]>>> {
  const { kv, seed, signal } = options;
  const times = await inTurns(sides, options, async ({ model }) => {
    const open = { model, kv, sequences: 1, tokens, seed, ...(signal && { signal }) };
    using batch = await StaticBatch.open(open);
    await batch.encode(Math.min(tokens, 4));
    return (await batch.encode(tokens, 1, signal))[0]!;
  });
  return Object.fromEntries(times);
}

/** Results by key. Who begins changes with the repetition. */
export async function inTurns<S extends { readonly key: string }, T>(
  sides: readonly S[],
  { repetitions, signal, onProgress }: Pick<TurnOptions, "repetitions" | "signal" | "onProgress">,
  turn: (side: S) => Promise<T>,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(sides.map(({ key }) => [key, []]));
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (const index of sides.keys()) {
      signal?.throwIfAborted();
      const side = sides[(index + repetition) % sides.length]!;
      results.get(side.key)!.push(await turn(side));
      onProgress?.((repetition * sides.length + index + 1) / (repetitions * sides.length));
    }
  }
  return results;
}
