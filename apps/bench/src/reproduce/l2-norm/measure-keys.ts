import type { Engine } from "@kvasir/core";
import { type Configuration, policyChoice } from "../../quality/configuration.ts";
import { measureNeedles } from "../../quality/measure-needles.ts";
import { needlePrompt } from "../../quality/needle-prompt.ts";
import type { PartContext } from "../figure.ts";
import { withEngine } from "../with-engine.ts";
import { highestNorm } from "./highest-norm.ts";
import { noGuards } from "./l2-choices.ts";
import type { NeedlePlace, NeedleResult } from "./needle-result.ts";
import { paperCut } from "./paper-cut.ts";

export type KeySizes = {
  readonly places: readonly NeedlePlace[];
  /** The full cache first. */
  readonly configurations: readonly Configuration[];
  /** Number of the first prompt among those of all parts: no two have the same key or random choice. */
  readonly first: number;
};

/** Runs as many prompts at once; their pages, whole and cut, must fit the memory. */
const batch = 6;

/**
 * Hides a key in each place's prompt and asks for it, under every configuration.
 * @param fillers what the keys are hidden in: for each place at least as many ids as its length
 */
export async function measureKeys(
  context: PartContext,
  { places, configurations, first }: KeySizes,
  fillers: (engine: Engine, signal: AbortSignal) => Promise<readonly Int32Array[]>,
): Promise<NeedleResult> {
  const { seed } = context.settings;
  const options = { policies: [highestNorm], maxRunning: batch, kvCache: { memory: "128MiB" } };
  return await withEngine(context, "tiny", options, async (engine, signal) => {
    const filler = await fillers(engine, signal);
    const prompts = places.map((place, i) =>
      paperCut(
        needlePrompt(engine, {
          ...place,
          task: "passkey",
          keys: 1,
          question: "seen",
          filler: filler[i]!,
          seed: seed * 1009 + first + i,
        }),
      ),
    );
    const found = configurations.map(() => [] as boolean[]);
    const runs = Math.ceil(prompts.length / batch) * configurations.length;
    let done = 0;
    // A batch under all configurations before the next one: its prompts are read once, and then come from the cache.
    for (let from = 0; from < prompts.length; from += batch) {
      const some = prompts.slice(from, from + batch);
      for (const [i, configuration] of configurations.entries()) {
        signal.throwIfAborted();
        const choice = (prompt: number) => policyChoice(configuration, noGuards(seed), first + from + prompt);
        found[i]!.push(...(await measureNeedles(engine, some, choice, signal)));
        context.onProgress(++done / runs);
      }
    }
    return {
      places,
      runs: configurations.map((configuration, i) => ({ ...configuration, found: found[i]! })),
    };
  });
}
