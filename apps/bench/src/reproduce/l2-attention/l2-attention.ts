import { type TinyModel, tinyModels } from "@kvasir/tiny-models";
import type { Block, Figure, ReproduceSettings, Section } from "../figure.ts";
import { heldOutName } from "../held-out-text.ts";
import { groupParts, measuredOf } from "../l2-norm/sample-groups.ts";
import { attentionFindings } from "./attention-findings.ts";
import {
  type AttentionResult,
  type AttentionSizes,
  type HeadMeasure,
  measureAttention,
} from "./measure-attention.ts";
import { type AttentionRows, meanOver, poolAttention } from "./pool-attention.ts";

const sizes: AttentionSizes = { texts: 5, slots: 512, queries: 128 };
const seconds: Readonly<Record<TinyModel, number>> = { tiny: 3, "tiny-lckv": 8 };

const partsOf = (model: TinyModel, settings: ReproduceSettings) =>
  groupParts<AttentionResult>({
    key: `${model}, ${heldOutName(settings)}, ${sizes.texts} texts of ${sizes.slots} slots and ${sizes.queries} queries`,
    label: `norms and attention of ${model}`,
    seconds: seconds[model],
    ranks: [0],
    measure: (context, group) => measureAttention(context, model, group, sizes),
  });

/** Whether keys of low norm get the attention, head by head: what the method of Devoto et al. rests on. */
export const l2Attention: Figure<AttentionResult> = {
  name: "l2-attention",
  title: "L2 norm: key norms and the attention received",
  source:
    "Devoto et al. 2024 (arXiv 2406.11430), norms against attention and the metric ALR by layer and head",
  parts: (settings) => tinyModels.flatMap((model) => partsOf(model, settings)),
  section(results, settings): Section {
    const rows = tinyModels.flatMap((model) => {
      const measured = measuredOf(partsOf(model, settings), results);
      return measured.length > 0 ? [{ model, ...poolAttention(measured) }] : [];
    });
    return {
      run: run(settings),
      blocks: rows.flatMap((row) => blocks(row.model, row)),
      findings: rows.flatMap((row) => attentionFindings(row.model, row)),
      missing: ["Llama-2-7B with its 32 layers: a model that does not come with the program."],
    };
  },
};

const run = (settings: ReproduceSettings): string =>
  `The embedded models, f32 pages, texts (${heldOutName(settings)}) of ${sizes.slots + sizes.queries} tokens: for each KV head the norms ` +
  `of the first ${sizes.slots} keys, and the share of attention that the ${sizes.queries} queries after them pay to each, the mean ` +
  "over the query heads that share it and over the layers that attend to it. Y is the sum over m of the attention lost by evicting " +
  "the m keys of highest norm, less what the m keys of least attention had. Means over texts.";

function blocks(model: TinyModel, { sources, heads }: AttentionRows): Block[] {
  const values = (of: keyof HeadMeasure) => heads.map((layer) => layer.map((head) => head[of]));
  const most = Math.max(...heads.flat().map(({ highestFirst }) => highestFirst));
  const map = (caption: string, of: keyof HeadMeasure, range: readonly [number, number]): Block => ({
    kind: "heat-map",
    caption: `${model}: ${caption}`,
    rows: "layer",
    columns: "KV head",
    rowNames: sources.map(String),
    values: values(of),
    range,
  });
  return [
    map(
      "Spearman's correlation of key norm and attention; the paper expects it below 0",
      "spearman",
      [-1, 1],
    ),
    map("Pearson's correlation of key norm and attention; the paper expects it below 0", "pearson", [-1, 1]),
    map("Y, attention lost by evicting high norms first; 0 is the best order", "highestFirst", [0, most]),
    {
      kind: "table",
      caption: `${model}: means over KV heads`,
      columns: ["layer", "Spearman", "Pearson", "Y, high norms first", "low norms first", "at random"],
      rows: heads.map((layer, i) => [
        String(sources[i]),
        meanOver(layer, "spearman").toFixed(2),
        meanOver(layer, "pearson").toFixed(2),
        ...(["highestFirst", "lowestFirst", "random"] as const).map((of) => meanOver(layer, of).toFixed(1)),
      ]),
    },
  ];
}
