import type { EngineInfo } from "@kvasir/core";
import { type Configuration, sizeKey } from "../quality/configuration.ts";
import { meanOf } from "../quality/estimate.ts";
import { compareMeans } from "../quality/paired.ts";
import { within } from "../quality/summarise.ts";
import { kvFlags } from "./kv-flags.ts";
import type { PointSample } from "./tried-points.ts";
import type { Rise, TunePoint } from "./tune-report.ts";
import type { TuneSettings } from "./tune-settings.ts";

/** A configuration and what it did on the windows that judge; the same windows for all. */
export type Judged = { readonly configuration: Configuration; readonly samples: readonly PointSample[] };

export function tunePoint(
  { configuration, samples }: Judged,
  settings: TuneSettings,
  info: Pick<EngineInfo, "kvDtype">,
): TunePoint {
  const over = (of: keyof PointSample) => within(meanOf(samples.map((sample) => sample[of])), Infinity);
  return {
    ...configuration,
    kvBytes: over("kvBytes"),
    divergence: over("divergence"),
    flags: kvFlags(configuration, settings, info),
  };
}

/** Neighbouring budgets of a policy of which the larger one has the higher divergence, paired over windows. */
export function risesOf(judged: readonly Judged[]): Rise[] {
  const policies = new Map<string, Judged[]>();
  for (const one of judged) {
    const { policy } = one.configuration;
    const key = `${policy} ${sizeKey({ ...one.configuration, budget: 1 })}`;
    policies.set(key, [...(policies.get(key) ?? []), one]);
  }
  return [...policies.values()].flatMap((points) => {
    const ordered = points.toSorted((a, b) => a.configuration.budget - b.configuration.budget);
    return ordered.slice(1).flatMap((larger, i) => {
      const smaller = ordered[i]!;
      const kl = ({ samples }: Judged) => samples.map(({ divergence }) => divergence);
      if (compareMeans(kl(larger), kl(smaller)).verdict !== "worse") return [];
      const { policy, protectLayers, budget } = larger.configuration;
      return [{ policy, protectLayers, fromBudget: smaller.configuration.budget, toBudget: budget }];
    });
  });
}
