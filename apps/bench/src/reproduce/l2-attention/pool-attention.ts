import type { AttentionResult, HeadMeasure } from "./measure-attention.ts";

export type AttentionRows = AttentionResult & {
  /** [kvLayers][kvHeads], means over texts. */
  readonly heads: readonly (readonly HeadMeasure[])[];
};

export const meanOver = (heads: readonly HeadMeasure[], of: keyof HeadMeasure): number =>
  heads.reduce((sum, head) => sum + head[of], 0) / heads.length;

/** All texts of one model together. */
export function poolAttention(results: readonly AttentionResult[]): AttentionRows {
  const { sources } = results[0]!;
  const texts = results.flatMap((result) => result.texts);
  const heads = texts[0]!.map((layer, l) =>
    layer.map((_, h) => {
      const all = texts.map((text) => text[l]![h]!);
      return {
        spearman: meanOver(all, "spearman"),
        pearson: meanOver(all, "pearson"),
        highestFirst: meanOver(all, "highestFirst"),
        lowestFirst: meanOver(all, "lowestFirst"),
        random: meanOver(all, "random"),
      };
    }),
  );
  return { sources, texts, heads };
}
