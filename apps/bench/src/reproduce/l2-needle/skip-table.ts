import type { TableBlock } from "../figure.ts";
import { skipName } from "../l2-norm/l2-choices.ts";
import type { KeyRow } from "../l2-norm/pool-keys.ts";
import { shareText } from "../l2-norm/show-estimate.ts";

/** Share kept in the paper's ablation of skipped layers. */
export const ablationShare = 0.7;

/** Sets of skipped layers that the ablation adds to those measured at every share. */
export const ablationSets: readonly (readonly number[])[] = [[0], [0, 1, 2]];

/** Accuracy on needles by Devoto et al. (2406.11430): Llama-2-7B-80k, and the one tuned for 32k by LongLoRA. */
const published: Readonly<Record<string, readonly [string | undefined, string | undefined]>> = {
  "": [undefined, "0.639"],
  "0": ["0.876", "0.480"],
  "0,1": ["0.997", "0.616"],
  "0,1,2": ["about that of 0,1", "about that of 0,1"],
};

/** Which layers to skip, beside what the paper found; undefined where none of it was measured. */
export function skipTable(rows: readonly KeyRow[]): TableBlock | undefined {
  const own = rows.filter(({ policy, budget }) => policy === "l2-norm" && budget === ablationShare);
  if (own.length === 0) return undefined;
  const order = [[], [0], [0, 1], [0, 1, 2]].map(String);
  const sorted = own.toSorted(
    (a, b) => order.indexOf(String(a.protectLayers)) - order.indexOf(String(b.protectLayers)),
  );
  return {
    kind: "table",
    caption: "Skipped layers, with 70 % of the cache kept in the others",
    columns: ["skipped", "tiny, found", "published, Llama-2-7B-80k", "published, LongLoRA 32k"],
    rows: sorted.map(({ protectLayers, accuracy }) => [
      skipName(protectLayers),
      shareText(accuracy),
      ...(published[String(protectLayers)] ?? [undefined, undefined]),
    ]),
  };
}

/** What skipping layers does here, against what it does in the paper. */
export function skipFindings(rows: readonly KeyRow[]): string[] {
  const at = (set: readonly number[]) =>
    rows.find(
      ({ policy, budget, protectLayers }) =>
        policy === "l2-norm" && budget === ablationShare && String(protectLayers) === String(set),
    );
  const [none, first, both] = [at([]), at([0]), at([0, 1])];
  if (!none || !first || !both) return [];
  const gain = both.accuracy.low > none.accuracy.high;
  const firstAlone = first.accuracy.high < both.accuracy.low;
  return [
    `Skipping layers 0 and 1 ${gain ? "helps" : "makes no difference that these prompts show"}: ${shareText(both.accuracy)} of ` +
      `the keys in place of ${shareText(none.accuracy)}. In the paper it does for Llama-2-7B-80k, and hardly for LongLoRA.`,
    `Skipping layer 0 alone finds ${shareText(first.accuracy)}, ${firstAlone ? "less than both, which agrees with the paper" : "not surely less than both; in the paper it is clearly worse"}.`,
  ];
}
