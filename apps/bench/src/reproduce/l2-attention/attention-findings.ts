import { meanOf } from "../../quality/estimate.ts";
import { estimateText, percent } from "../l2-norm/show-estimate.ts";
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

/**
 * Two readings of what the paper says of layers 0 and 1: that its order is bad there (a high Y), and that norms say little
 * there, in whichever direction (Y near that of chance).
 */
function layersFinding(
  model: string,
  sources: readonly number[],
  heads: readonly (readonly HeadMeasure[])[],
): string[] {
  const layers = heads.map((layer, i) => {
    const y = meanOver(layer, "highestFirst");
    return { source: sources[i]!, y, ofChance: y / meanOver(layer, "random") };
  });
  const order = layers
    .toSorted((a, b) => b.y - a.y)
    .map(({ source, y, ofChance }) => `${source} (${y.toFixed(1)}, ${ofChance.toFixed(2)})`);
  const list = `${model}: by Y, from the layer where the paper's order is worst, and as a multiple of chance: ${order.join(", ")}.`;
  const first = layers.filter(({ source }) => skipped.includes(source));
  const rest = layers.filter(({ source }) => !skipped.includes(source));
  const last = sources.includes(12)
    ? []
    : ["Of layer 12, the third that the paper names, this model has none."];
  if (first.length === 0 || rest.length === 0) return [[list, ...last].join(" ")];
  const mean = (some: typeof layers, of: (layer: (typeof layers)[number]) => number) =>
    some.reduce((sum, layer) => sum + of(layer), 0) / some.length;
  const fromChance = ({ ofChance }: (typeof layers)[number]) => Math.abs(ofChance - 1);
  const [y, others] = [mean(first, (layer) => layer.y), mean(rest, (layer) => layer.y)];
  const [near, far] = [mean(first, fromChance), mean(rest, fromChance)];
  const names = first.map(({ source }) => source).join(" and ");
  return [
    [
      list,
      `Layer${first.length > 1 ? "s" : ""} ${names}: Y ${y.toFixed(1)} on average, the others ${others.toFixed(1)}, so the paper's order is ` +
        `${y > others ? "worst there, which agrees with" : "not worst there, which does not agree with"} its skipping of layers 0 and 1;`,
      `${percent(near)} from chance, the others ${percent(far)}, so norms say ` +
        `${near < far ? "least there, which agrees with" : "no less there, which does not agree with"} the poor correlation that it finds in them.`,
      ...last,
    ].join(" "),
  ];
}
