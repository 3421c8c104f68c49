import { meanOf } from "../../quality/estimate.ts";
import { estimateText } from "../l2-norm/show-estimate.ts";
import type { HeadMeasure } from "./measure-attention.ts";
import { type AttentionRows, meanOver } from "./pool-attention.ts";

/** Layers that the paper skips, by decoder layer: norm and attention hardly correlate there in Llama-2-7B. */
const skipped = [0, 1];

/** What one model says of the paper's statements: low norm draws attention, but less so in the first layers. */
export function attentionFindings(model: string, { sources, texts, heads }: AttentionRows): string[] {
  const all = heads.flat();
  const rho = meanOf(texts.map((text) => meanOver(text.flat(), "spearman")));
  const negative = all.filter(({ spearman }) => spearman < 0).length;
  const direction =
    rho.high < 0
      ? "which agrees with the paper: low norm goes with much attention"
      : rho.low > 0
        ? "the opposite of the paper: here high norm goes with much attention"
        : "so there is no direction in common, where the paper finds that low norm goes with much attention";
  return [
    `${model}: Spearman's correlation of norm and attention is ${estimateText(rho, 2)} on average over heads (interval over ` +
      `${texts.length} texts), negative in ${negative} of ${all.length} heads, ${direction}.`,
    ordersFinding(model, all),
    ...layersFinding(model, sources, heads),
  ];
}

/** Which order of eviction loses least, by head. */
function ordersFinding(model: string, all: readonly HeadMeasure[]): string {
  const below = (of: "highestFirst" | "lowestFirst") => all.filter((head) => head[of] < head.random).length;
  const [norm, opposite] = [below("highestFirst"), below("lowestFirst")];
  const [own, reversed, random] = (["highestFirst", "lowestFirst", "random"] as const).map((of) =>
    meanOver(all, of).toFixed(1),
  );
  return (
    `${model}: evicting high norms first loses less attention than chance in ${norm} of ${all.length} heads, evicting low norms ` +
    `first in ${opposite} (mean Y ${own} and ${reversed}, at random ${random}; 0 is the best order). ` +
    (norm > opposite
      ? "The paper's order is the better one for most heads."
      : norm < opposite
        ? "The paper's order is the worse one for most heads; what that costs is in l2-lm and l2-passkey."
        : "Neither order is better for more heads.")
  );
}

function layersFinding(
  model: string,
  sources: readonly number[],
  heads: readonly (readonly HeadMeasure[])[],
): string[] {
  const loss = heads.map((layer) => meanOver(layer, "highestFirst"));
  const order = sources
    .map((source, i) => ({ source, y: loss[i]! }))
    .toSorted((a, b) => b.y - a.y)
    .map(({ source, y }) => `${source} (${y.toFixed(1)})`);
  const worst = `${model}: by Y, from the layer that norms say least about: ${order.join(", ")}.`;
  const of = (isSkipped: boolean) =>
    heads.filter((_, i) => skipped.includes(sources[i]!) === isSkipped).flat();
  const [first, rest] = [of(true), of(false)];
  if (first.length === 0 || rest.length === 0) return [worst];
  const [y, others] = [meanOver(first, "highestFirst"), meanOver(rest, "highestFirst")];
  const names = sources.filter((source) => skipped.includes(source)).join(" and ");
  return [
    `${worst} Layer${names.includes("and") ? "s" : ""} ${names}: ${y.toFixed(1)} on average, the others ${others.toFixed(1)}, which ` +
      `${y > others ? "agrees" : "does not agree"} with the paper's skipping of layers 0 and 1. Of layer 12, the third one that it ` +
      `names, ${sources.includes(12) ? `Y is ${loss[sources.indexOf(12)]!.toFixed(1)}` : "this model has none"}.`,
  ];
}
