import type { Configuration } from "../../quality/configuration.ts";
import type { Series } from "../figure.ts";
import { l2Policies, skipName } from "./l2-choices.ts";

const by = (a: { readonly x: number }, b: { readonly x: number }) => a.x - b.x;

/**
 * A line for each policy and set of skipped layers over the share of the cache that is kept; at 1 it is the full cache.
 * @param rows the full cache first
 */
export function shareLines<T extends Configuration>(
  rows: readonly T[],
  y: (row: T) => number,
  isShown: (row: T) => boolean = () => true,
): Series[] {
  const full = rows[0]!;
  return l2Policies.flatMap((policy) => {
    const own = rows.filter((row) => row.policy === policy && isShown(row));
    const sets = [...new Set(own.map(({ protectLayers }) => String(protectLayers)))];
    return sets.map((set): Series => {
      const line = own.filter(({ protectLayers }) => String(protectLayers) === set);
      const points = [full, ...line].map((row) => ({ x: row === full ? 1 : row.budget, y: y(row) }));
      return {
        name: `${policy}, ${skipName(line[0]!.protectLayers)}`,
        points: points.sort(by),
        kind: "measured",
      };
    });
  });
}

/** What the paper claims: as good as everything, down to a share that is kept. */
export const claimLine = (name: string, from: number, y: number): Series => ({
  name,
  points: [
    { x: from, y },
    { x: 1, y },
  ],
  kind: "published",
});
