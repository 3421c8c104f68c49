import { type Configuration, sizeKey } from "./configuration.ts";
import { type Estimate, meanOf, shareOf } from "./estimate.ts";
import type { WindowSample } from "./measure-windows.ts";
import { type NeedlePrompt, type NeedleTask, needleTasks } from "./needle-prompt.ts";
import { compareMeans, compareShares } from "./paired.ts";
import type { NeedleCell, QualityRow } from "./quality-report.ts";

/** All that was measured of one configuration; windows and prompts in the same order for all. */
export type Measured = {
  readonly configuration: Configuration;
  readonly samples: readonly WindowSample[];
  /** One for each needle prompt. */
  readonly found: readonly boolean[];
  readonly tokensPerSecond: number;
};

/** Rows of a report, from what was measured; the first is the full cache. */
export function summarise(measured: readonly Measured[], prompts: readonly NeedlePrompt[]): QualityRow[] {
  const full = measured[0]!.samples;
  const fullBytes = meanOf(full.map(({ kvBytes }) => kvBytes)).value;
  const randoms = new Map(
    measured
      .filter(({ configuration }) => configuration.policy === "random")
      .map((one) => [sizeKey(one.configuration), one]),
  );
  return measured.map((one) => {
    const { configuration, samples, tokensPerSecond } = one;
    const over = (of: (sample: WindowSample) => number) => meanOf(samples.map(of));
    const kvBytes = over((sample) => sample.kvBytes).value;
    const shares = needleTasks.map((task) => {
      const outcomes = outcomesOf(one, prompts, task);
      return [task, shareOf(outcomes.filter(Boolean).length, outcomes.length)] as const;
    });
    const random = randoms.get(sizeKey(configuration));
    const compared = configuration.policy !== "full" && configuration.policy !== "random" && random;
    return {
      ...configuration,
      perplexity: exponential(over(({ loss }) => loss)),
      perplexityRatio: exponential(meanOf(samples.map(({ loss }, i) => loss - full[i]!.loss))),
      divergence: within(
        over(({ divergence }) => divergence),
        Infinity,
      ),
      sameTop: within(
        over(({ sameTop }) => sameTop),
        1,
      ),
      needles: Object.fromEntries(shares) as Record<NeedleTask, Estimate>,
      cells: cellsOf(one.found, prompts),
      residentTokens: over(({ residentTokens }) => residentTokens).value,
      kvBytes,
      freedBytes: fullBytes - kvBytes,
      tokensPerSecond,
      ...(compared && { againstRandom: against(one, random, prompts) }),
    };
  });
}

const exponential = ({ value, low, high, n }: Estimate): Estimate => ({
  value: Math.exp(value),
  low: Math.exp(low),
  high: Math.exp(high),
  n,
});

/** Student's interval does not know that a divergence is never below 0, or a share above 1. */
export const within = ({ value, low, high, n }: Estimate, most: number): Estimate => ({
  value,
  low: Math.max(0, low),
  high: Math.min(most, high),
  n,
});

const outcomesOf = ({ found }: Measured, prompts: readonly NeedlePrompt[], task: NeedleTask): boolean[] =>
  found.filter((_, i) => prompts[i]!.task === task);

function against(
  ours: Measured,
  random: Measured,
  prompts: readonly NeedlePrompt[],
): NonNullable<QualityRow["againstRandom"]> {
  const means = (of: (sample: WindowSample) => number) =>
    compareMeans(ours.samples.map(of), random.samples.map(of));
  const shares = (task: NeedleTask) =>
    compareShares(outcomesOf(ours, prompts, task), outcomesOf(random, prompts, task));
  return {
    perplexity: means(({ loss }) => loss),
    divergence: means(({ divergence }) => divergence),
    // The differing ones, so that lower is better.
    sameTop: means(({ sameTop }) => 1 - sameTop),
    passkey: shares("passkey"),
    "multi-key": shares("multi-key"),
  };
}

/** By task, length and depth, in the order of the prompts. */
function cellsOf(found: readonly boolean[], prompts: readonly NeedlePrompt[]): NeedleCell[] {
  const cells = new Map<string, { -readonly [K in keyof NeedleCell]: NeedleCell[K] }>();
  prompts.forEach(({ task, length, depth }, i) => {
    const key = `${task} ${length} ${depth}`;
    const cell = cells.get(key) ?? { task, length, depth, found: 0, n: 0 };
    cell.n += 1;
    if (found[i]) cell.found += 1;
    cells.set(key, cell);
  });
  return [...cells.values()];
}
