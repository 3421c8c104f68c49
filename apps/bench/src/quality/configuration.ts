import type { PolicyChoice } from "@kvasir/core";
import type { QualitySettings } from "./quality-settings.ts";

/** One row to be measured. */
export type Configuration = {
  readonly policy: string;
  readonly budget: number;
  readonly protectLayers: readonly number[];
};

/** What all policies have in common. */
export type Guards = Pick<QualitySettings, "sinks" | "recent" | "seed">;

/** What every other row is compared with: no cut at all. */
export const fullConfiguration: Configuration = { policy: "full", budget: 1, protectLayers: [] };

/** The full cache, then every other policy with every set of protected layers and every budget; `random` first. */
export function configurationsOf({ policies, protect, budgets }: QualitySettings): Configuration[] {
  const evicting = [...new Set(["random", ...policies])].filter((policy) => policy !== "full");
  return [
    fullConfiguration,
    ...evicting.flatMap((policy) =>
      protect.flatMap((protectLayers) => budgets.map((budget) => ({ policy, budget, protectLayers }))),
    ),
  ];
}

/**
 * The same guards for all of them.
 *
 * @param sample which window or prompt it is for: with one seed for all, `random` would keep the same positions in
 *   each, and its samples would not be independent
 */
export function policyChoice(
  { policy, budget, protectLayers }: Configuration,
  { sinks, recent, seed }: Guards,
  sample: number,
): PolicyChoice {
  if (policy === "full") return { policy };
  const choice = { policy, budget, protectLayers, sinks, recent, minTokens: 0 };
  return policy === "random" ? { ...choice, seed: (seed * 7919 + sample) % 65_536 } : choice;
}

/** Configurations are alike in all but the policy exactly where this is equal. */
export const sizeKey = ({ budget, protectLayers }: Configuration): string =>
  `${budget} of layers but ${protectLayers}`;

/** Protected layers for people. */
export const protectionName = (layers: readonly number[]): string =>
  layers.length === 0 ? "none" : layers.join(",");

/** The same as a title. */
export const protectionTitle = (layers: readonly number[]): string =>
  layers.length > 0 ? `KV layers ${layers.join(", ")} protected` : "no layer protected";

/** A configuration for people. */
export const nameOf = ({ policy, budget, protectLayers }: Configuration): string =>
  policy === "full" ? policy : `${policy} ${budget}, protected: ${protectionName(protectLayers)}`;
