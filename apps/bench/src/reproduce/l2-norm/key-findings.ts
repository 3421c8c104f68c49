import type { Verdict } from "../../quality/paired.ts";
import { type L2Policy, skipName } from "./l2-choices.ts";
import type { KeyRow } from "./pool-keys.ts";
import { percent, shareText } from "./show-estimate.ts";

/** What the paper says of one share of the cache. */
export type KeyClaim = { readonly share: number; readonly says: string };

/**
 * What the rows say of a claim that keys are still found with a share of the cache, and of which end of the norms to keep.
 * @param rows the full cache first
 */
export function keyFindings(rows: readonly KeyRow[], claim: KeyClaim): string[] {
  const sets = new Map(rows.slice(1).map(({ protectLayers }) => [String(protectLayers), protectLayers]));
  return [...sets.values()].flatMap((set) => ofSet(rows, set, claim));
}

function ofSet(
  rows: readonly KeyRow[],
  protectLayers: readonly number[],
  { share, says }: KeyClaim,
): string[] {
  const at = (policy: L2Policy) =>
    rows.find(
      (row) =>
        row.policy === policy && row.budget === share && String(row.protectLayers) === String(protectLayers),
    );
  const [norm, random, highest] = [at("l2-norm"), at("random"), at("highest-norm")];
  if (!norm?.againstFull) return [];
  const where = skipName(protectLayers);
  const fine = (row: KeyRow | undefined) => row !== undefined && row.againstFull?.verdict !== "worse";
  const judgement = !fine(norm)
    ? `which does not agree with the paper's ${says}`
    : fine(random)
      ? `as in the paper (${says}), but random does not find less than the full cache either`
      : `which agrees with the paper's ${says}`;
  const claims =
    `${where}: with ${percent(share)} of the cache, l2-norm finds ${shareText(norm.accuracy)} of the keys and the full cache ` +
    `${shareText(rows[0]!.accuracy)}, ${judgement}.`;
  if (!random || !highest?.againstRandom || !norm.againstRandom) return [claims];
  return [
    claims,
    `${where}: with ${percent(share)} of the cache, random finds ${shareText(random.accuracy)} and highest-norm ` +
      `${shareText(highest.accuracy)} (against random: l2-norm ${norm.againstRandom.verdict}, highest-norm ` +
      `${highest.againstRandom.verdict}). ${why(norm, random, highest)}`,
  ];
}

function why(norm: KeyRow, random: KeyRow, highest: KeyRow): string {
  const fine = (row: KeyRow) => row.againstFull?.verdict !== "worse";
  if (fine(norm) && fine(random) && fine(highest))
    return "All three keep what the full cache finds, so this case does not tell the policies apart: the layers that keep everything are enough.";
  const verdicts: readonly (Verdict | undefined)[] = [
    norm.againstRandom?.verdict,
    highest.againstRandom?.verdict,
  ];
  if (verdicts[1] === "better" && verdicts[0] !== "better")
    return "What finds the key in this model has a high norm, the opposite of what the paper finds in models of 7 billion weights.";
  if (verdicts[0] === "better") return "Low norm is what to keep, as the paper says.";
  return "Neither end of the norms is better than chance here.";
}
