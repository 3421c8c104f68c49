import { type Estimate, meanOf } from "../../quality/estimate.ts";
import { type Comparison, compareMeans } from "../../quality/paired.ts";
import { samePlace } from "../l2-norm/l2-choices.ts";
import type { LmResult, LmRun } from "./lm-result.ts";

/** One configuration over the windows of all parts. */
export type LmRow = LmRun & {
  readonly perplexity: Estimate;
  /** Of its perplexity and the full cache's, over the same windows. */
  readonly ratio: Estimate;
  /** Of the losses, against `random` with as many slots; none for `random` itself and the full cache. */
  readonly againstRandom: Comparison | undefined;
};

const exponential = ({ value, low, high, n }: Estimate): Estimate => ({
  value: Math.exp(value),
  low: Math.exp(low),
  high: Math.exp(high),
  n,
});

/** Rows of all parts together; they have the same configurations, each on windows of its own. */
export function poolLm(results: readonly LmResult[]): LmRow[] {
  const runs = results[0]!.runs.map((run, i): LmRun => {
    const all = results.map((result) => result.runs[i]!);
    return {
      ...run,
      losses: all.flatMap(({ losses }) => losses),
      residentTokens: all.flatMap(({ residentTokens }) => residentTokens),
    };
  });
  const full = runs[0]!;
  return runs.map((run) => {
    const random = runs.find((other) => samePlace(other, { ...run, policy: "random" }));
    return {
      ...run,
      perplexity: exponential(meanOf(run.losses)),
      ratio: exponential(compareMeans(run.losses, full.losses).difference),
      againstRandom: random && random !== run ? compareMeans(run.losses, random.losses) : undefined,
    };
  });
}
