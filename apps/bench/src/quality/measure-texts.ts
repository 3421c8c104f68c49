import type { Engine } from "@kvasir/core";
import { type Configuration, type Guards, policyChoice } from "./configuration.ts";
import { measureWindows, type TextWindow, type WindowRun, type WindowSample } from "./measure-windows.ts";

export type TextRun = {
  /** One for each window. */
  readonly samples: readonly WindowSample[];
  /** Tokens that were decoded side by side, and how long that took. */
  readonly decoded: number;
  readonly seconds: number;
};

export type TextOptions = {
  readonly windows: readonly TextWindow[];
  /** Number of the first of these windows among all; `random` keeps other positions in each. */
  readonly first: number;
  /** The first is what the others are compared with. */
  readonly configurations: readonly Configuration[];
  readonly settings: Guards;
  /** Windows that run together. Their logits are held until all configurations have run them. */
  readonly batch: number;
  readonly signal: AbortSignal;
};

/**
 * Runs windows under several configurations, on the same windows in the same order.
 * @param around called for each batch and configuration with the number of windows; it has to call `run`
 */
export async function measureTexts(
  engine: Engine,
  { windows, first, configurations, settings, batch, signal }: TextOptions,
  around: <T>(configuration: Configuration, count: number, run: () => Promise<T>) => Promise<T>,
): Promise<TextRun[]> {
  const runs = configurations.map(() => ({ samples: [] as WindowSample[], decoded: 0, seconds: 0 }));
  for (let from = 0; from < windows.length; from += batch) {
    const some = windows.slice(from, from + batch);
    let reference: WindowRun["logits"] | undefined;
    for (const [i, configuration] of configurations.entries()) {
      const choice = (window: number) => policyChoice(configuration, settings, first + from + window);
      const run = await around(configuration, some.length, () =>
        measureWindows(engine, some, choice, signal, reference),
      );
      reference ??= run.logits;
      runs[i]!.samples.push(...run.samples);
      runs[i]!.decoded += run.decoded;
      runs[i]!.seconds += run.seconds;
    }
  }
  return runs;
}
