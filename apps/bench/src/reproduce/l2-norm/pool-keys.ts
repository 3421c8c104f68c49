import { type Estimate, shareOf } from "../../quality/estimate.ts";
import { type Comparison, compareShares } from "../../quality/paired.ts";
import { samePlace } from "./l2-choices.ts";
import type { NeedlePlace, NeedleResult, NeedleRun } from "./needle-result.ts";

/** One configuration over the prompts of all parts. */
export type KeyRow = NeedleRun & {
  readonly accuracy: Estimate;
  /** On the same prompts: against the full cache, and against `random` with as many slots; none where it is that itself. */
  readonly againstFull: Comparison | undefined;
  readonly againstRandom: Comparison | undefined;
};

export type KeyRows = { readonly places: readonly NeedlePlace[]; readonly rows: readonly KeyRow[] };

const share = (found: readonly boolean[]) => shareOf(found.filter(Boolean).length, found.length);

/** Rows of all parts together, which have the same configurations. @param isCounted which prompts to take */
export function poolKeys(
  results: readonly NeedleResult[],
  isCounted: (place: NeedlePlace) => boolean = () => true,
): KeyRows {
  const all = results.flatMap(({ places }) => places);
  const places = all.filter(isCounted);
  const runs = results[0]!.runs.map((run, i): NeedleRun => {
    const found = results.flatMap((result) => result.runs[i]!.found);
    return { ...run, found: found.filter((_, prompt) => isCounted(all[prompt]!)) };
  });
  const full = runs[0]!;
  const rows = runs.map((run) => {
    const random = runs.find((other) => samePlace(other, { ...run, policy: "random" }));
    return {
      ...run,
      accuracy: share(run.found),
      againstFull: run === full ? undefined : compareShares(run.found, full.found),
      againstRandom: random && random !== run ? compareShares(run.found, random.found) : undefined,
    };
  });
  return { places, rows };
}

/** Share of keys that one row found at each of these lengths and depths; undefined where there was none. */
export function accuracyMap(
  { places }: Pick<KeyRows, "places">,
  { found }: NeedleRun,
  lengths: readonly number[],
  depths: readonly number[],
): (number | undefined)[][] {
  return depths.map((depth) =>
    lengths.map((length) => {
      const here = found.filter((_, i) => places[i]!.length === length && places[i]!.depth === depth);
      return here.length === 0 ? undefined : share(here).value;
    }),
  );
}
