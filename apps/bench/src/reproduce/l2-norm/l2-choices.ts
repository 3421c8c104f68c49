import {
  type Configuration,
  configurationsOf,
  type Guards,
  protectionName,
} from "../../quality/configuration.ts";
import { defaultSettings } from "../../quality/quality-settings.ts";

/** The paper's policy, the baseline of chance, and the opposite of the paper's policy. */
export const l2Policies = ["l2-norm", "random", "highest-norm"] as const;
export type L2Policy = (typeof l2Policies)[number];

/** Nothing is safe but the newest token: the paper's code has no guards, and ours keeps that one in any case. */
export const noGuards = (seed: number): Guards => ({ sinks: 0, recent: 1, seed });

/** The full cache, then each policy at each share, with each set of layers that keep everything. */
export function l2Configurations(
  shares: readonly number[],
  protect: readonly (readonly number[])[],
): Configuration[] {
  return configurationsOf({ ...defaultSettings, policies: l2Policies, budgets: shares, protect });
}

/** For people: what is done about the layers whose norms say little, by the paper. */
export const skipName = (layers: readonly number[]): string =>
  layers.length === 0
    ? "no layer skipped"
    : `layer${layers.length > 1 ? "s" : ""} ${protectionName(layers)} skipped`;

export const samePlace = (a: Configuration, b: Configuration): boolean =>
  a.policy === b.policy && a.budget === b.budget && String(a.protectLayers) === String(b.protectLayers);
