import type { JsonValue, Part, PartContext } from "../figure.ts";
import type { TextGroup } from "./text-stretches.ts";

/** Parts that measure the same on other samples, so that every one is a whole figure and more make it surer. */
export type GroupPlan<R extends JsonValue> = {
  /** Names every parameter but the group. */
  readonly key: string;
  readonly label: string;
  /** Of one group. */
  readonly seconds: number;
  /** The rank of each group, first to last. */
  readonly ranks: readonly number[];
  measure(context: PartContext, group: TextGroup): Promise<R>;
};

export function groupParts<R extends JsonValue>(plan: GroupPlan<R>): readonly Part<R>[] {
  const groups = plan.ranks.length;
  return plan.ranks.map((rank, group) => ({
    key: `${plan.key}, group ${group + 1} of ${groups}`,
    label: `${plan.label}, ${group + 1} of ${groups}`,
    seconds: plan.seconds,
    rank,
    measure: (context) => plan.measure(context, { group, groups }),
  }));
}

/** The results of those parts that were measured, in order. */
export const measuredOf = <R extends JsonValue>(
  parts: readonly Part<R>[],
  results: ReadonlyMap<string, R>,
): readonly R[] => parts.map(({ key }) => results.get(key)).filter((result) => result !== undefined);
