import type { Estimate } from "../../quality/estimate.ts";
import type { Verdict } from "../../quality/paired.ts";
import { type L2Policy, skipName } from "../l2-norm/l2-choices.ts";
import { estimateText, percent } from "../l2-norm/show-estimate.ts";
import type { LmRow } from "./pool-lm.ts";

/** What is taken as no loss: a perplexity that may well be less than this many times the full cache's. */
const noLoss = 1.01;
const isFree = ({ low, value }: Estimate) => (Number.isFinite(low) && low > 0 ? low : value) <= noLoss;

/** Where the paper finds no loss, and where its control loses. */
const claimed = 0.5;

/** What the rows say of the paper's three statements about language modelling. */
export function lmFindings(rows: readonly LmRow[]): string[] {
  const sets = new Map(rows.slice(1).map(({ protectLayers }) => [String(protectLayers), protectLayers]));
  return [
    ...[...sets.values()].flatMap((set) => ofSet(rows, set)),
    ...skippingFindings(rows, [...sets.values()]),
  ];
}

function ofSet(rows: readonly LmRow[], protectLayers: readonly number[]): string[] {
  const where = skipName(protectLayers);
  const rowsOf = (policy: L2Policy) =>
    rows
      .filter((row) => row.policy === policy && String(row.protectLayers) === String(protectLayers))
      .sort((a, b) => b.budget - a.budget);
  const [norm, highest] = [rowsOf("l2-norm"), rowsOf("highest-norm")];
  const half = norm.find(({ budget }) => budget === claimed);
  const halfHighest = highest.find(({ budget }) => budget === claimed);
  const findings: string[] = [];
  if (half) {
    const says = isFree(half.ratio) ? "agrees" : "does not agree";
    findings.push(
      `${where}: with half of the cache, l2-norm has ${estimateText(half.ratio, 3)} times the full cache's perplexity, ` +
        `which ${says} with the paper's "no impact down to half". ${reach("l2-norm", norm)} ${reach("highest-norm", highest)}`,
    );
  }
  if (half?.againstRandom && halfHighest?.againstRandom) {
    const [ours, opposite] = [half.againstRandom.verdict, halfHighest.againstRandom.verdict];
    findings.push(
      `${where}: with half of the cache, l2-norm is ${against(ours)} random and highest-norm ${against(opposite)} it. ${why(ours, opposite)}`,
    );
  }
  return findings;
}

/** Down to which share a policy costs nothing, all larger shares included. */
function reach(policy: L2Policy, rows: readonly LmRow[]): string {
  const costs = rows.findIndex(({ ratio }) => !isFree(ratio));
  const last = costs === -1 ? rows.at(-1) : rows[costs - 1];
  if (!last)
    return `${policy} costs more than 1 % at every share measured, ${percent(rows[0]?.budget ?? 1)} included.`;
  return `${policy} costs 1 % or less, or not surely more, down to ${percent(last.budget)}.`;
}

const against = (verdict: Verdict): string =>
  verdict === "no different" ? "no different from" : `${verdict} than`;

function why(norm: Verdict, highest: Verdict): string {
  if (highest === "worse" && norm === "better")
    return "Both agree with the paper: low norm is what to keep, and keeping high norm is worse than chance.";
  if (highest === "better" && norm !== "better")
    return "That is the paper's order turned round: what is worth keeping in this model has a high norm, not a low one. l2-attention shows it by layer and head.";
  if (norm === "better")
    return "The first agrees with the paper, the second does not: either end beats chance.";
  if (highest === "worse")
    return "The second agrees with the paper (keeping high norm is worse than chance), the first does not show that low norm is what to keep.";
  return "So the norm says nothing here that chance does not.";
}

/** Skipping layers keeps more, so part of what it brings is memory: that is said beside it. */
function skippingFindings(rows: readonly LmRow[], sets: readonly (readonly number[])[]): string[] {
  const halves = sets.flatMap(
    (set) =>
      rows.find(
        ({ policy, budget, protectLayers }) =>
          policy === "l2-norm" && budget === claimed && String(protectLayers) === String(set),
      ) ?? [],
  );
  const [without, ...others] = halves;
  if (!without || without.protectLayers.length > 0) return [];
  return others.map((row) => {
    const slots = (one: LmRow) =>
      one.residentTokens.reduce((sum, value) => sum + value, 0) / one.residentTokens.length;
    return (
      `With ${skipName(row.protectLayers)}, half of the cache of the others has ${estimateText(row.ratio, 3)} times the full ` +
      `cache's perplexity in place of ${estimateText(without.ratio, 3)}, and ${slots(row).toFixed(0)} tokens a head in place of ` +
      `${slots(without).toFixed(0)}. The paper finds that skipping them matters in language modelling only with a small cache.`
    );
  });
}
