import { type Estimate, meanOf } from "../../quality/estimate.ts";
import { compareMeans } from "../../quality/paired.ts";
import { type Spread, spreadOf } from "../../spread.ts";
import { type CompositionCase, caseName, standardCase } from "./composition-case.ts";
import type { CaseResult, CompositionResult } from "./composition-result.ts";

/** One case with what was measured of it. */
export type CompositionRow = CompositionCase & {
  readonly name: string;
  /** Bytes of the pages in use divided by the tokens seen, over all requests: what the allocator says. */
  readonly bytesPerToken: number;
  /** What the format and the layer map take for a token that is neither evicted nor shared. */
  readonly formulaBytes: number;
  /** Slots in use for each that the pages have; above 1 where requests share pages. */
  readonly occupancy: number;
  /** Decoding rate, as a multiple of the standard case's in the same repetition. */
  readonly speed: Spread;
  /** The same with next to nothing in the cache: no saving can make decoding faster in this model and format. */
  readonly ceiling: Spread;
  readonly perplexity: number;
  /** Its perplexity over the standard case's, on the same windows; undefined where that was not measured. */
  readonly perplexityRatio: Estimate | undefined;
};

export type Measured = Pick<CompositionCase, "model" | "format"> & { readonly result: CompositionResult };

/** A case that the software does not take, in its words. */
export type Refused = { readonly name: string; readonly reason: string };

/** What was measured, and what was refused, in the order of the parts. */
export function compositionRows(all: readonly Measured[]): {
  readonly rows: readonly CompositionRow[];
  readonly refused: readonly Refused[];
} {
  const standard = all
    .find(({ model, format }) => model === standardCase.model && format === standardCase.format)
    ?.result.cases.find(({ eviction, prefix }) => eviction === "full" && prefix === "none");
  const rows: CompositionRow[] = [];
  const refused: Refused[] = [];
  for (const { model, format, result } of all) {
    if (result.refused !== null) refused.push({ name: `${model}, ${format} pages`, reason: result.refused });
    for (const one of result.cases) {
      const place = { model, format, eviction: one.eviction, prefix: one.prefix };
      const name = caseName(place);
      if (one.refused === null) rows.push({ ...place, name, ...measures(result, one, standard) });
      else refused.push({ name, reason: one.refused });
    }
  }
  return { rows, refused };
}

function measures(
  { bytesPerToken, slotsPerPage, heads, ceilings }: CompositionResult,
  one: CaseResult,
  standard?: CaseResult,
) {
  const ratio = standard && compareMeans(one.losses, standard.losses).difference;
  return {
    bytesPerToken: (one.usedPages * one.pageBytes) / one.logicalTokens,
    formulaBytes: bytesPerToken,
    occupancy: (one.residentTokens * heads) / (one.usedPages * slotsPerPage),
    speed: spreadOf(one.ratios),
    ceiling: spreadOf(ceilings),
    perplexity: Math.exp(meanOf(one.losses).value),
    perplexityRatio: ratio && {
      value: Math.exp(ratio.value),
      low: Math.exp(ratio.low),
      high: Math.exp(ratio.high),
      n: ratio.n,
    },
  };
}

/** How many of a case's parts differ from the standard case. */
export const savingsOf = (row: CompositionCase): number =>
  (["model", "format", "eviction", "prefix"] as const).filter((part) => row[part] !== standardCase[part])
    .length;

/**
 * What a number would be if every saving of a case did to the standard case what it does alone: the standard's times
 * the factor of each. Undefined where one of them was not measured.
 */
export function productOf(
  rows: readonly CompositionRow[],
  row: CompositionCase,
  number: (row: CompositionRow) => number,
): number | undefined {
  const at = (place: CompositionCase) => {
    const found = rows.find(({ name }) => name === caseName(place));
    return found && number(found);
  };
  const base = at(standardCase);
  const singles = [
    { ...standardCase, model: row.model },
    { ...standardCase, format: row.format },
    { ...standardCase, eviction: row.eviction },
    { ...standardCase, prefix: row.prefix },
  ].map(at);
  if (base === undefined) return undefined;
  return singles.reduce<number | undefined>(
    (product, single) =>
      product === undefined || single === undefined ? undefined : (product * single) / base,
    base,
  );
}
