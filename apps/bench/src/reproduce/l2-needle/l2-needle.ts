import type { Block, Figure, PartContext, ReproduceSettings, Section } from "../figure.ts";
import { heldOutIds, heldOutName } from "../held-out-text.ts";
import { keyFindings } from "../l2-norm/key-findings.ts";
import { l2Configurations, samePlace, skipName } from "../l2-norm/l2-choices.ts";
import { measureKeys } from "../l2-norm/measure-keys.ts";
import type { NeedlePlace, NeedleResult } from "../l2-norm/needle-result.ts";
import { accuracyMap, poolKeys } from "../l2-norm/pool-keys.ts";
import { groupParts, measuredOf } from "../l2-norm/sample-groups.ts";
import { claimLine, shareLines } from "../l2-norm/share-lines.ts";
import { percent, shareText, verdictText } from "../l2-norm/show-estimate.ts";
import { type TextGroup, textStretches } from "../l2-norm/text-stretches.ts";
import { ablationSets, ablationShare, skipFindings, skipTable } from "./skip-table.ts";

export type NeedleSizes = {
  readonly lengths: readonly number[];
  readonly depths: readonly number[];
  readonly shares: readonly number[];
  readonly protect: readonly (readonly number[])[];
};

const sizes: NeedleSizes = {
  lengths: [256, 512, 1000],
  depths: [0, 0.25, 0.5, 0.75, 1],
  shares: [ablationShare, 0.5, 0.3, 0.1],
  protect: [[], [0, 1]],
};

/** Needles of one part: a text for each depth, which all lengths take their beginning of. */
export function measureNeedleGrid(
  context: PartContext,
  group: TextGroup,
  { lengths, depths, shares, protect }: NeedleSizes,
): Promise<NeedleResult> {
  const places = lengths.flatMap((length) => depths.map((depth): NeedlePlace => ({ length, depth })));
  const configurations = [
    ...l2Configurations(shares, protect),
    ...ablationSets.map((protectLayers) => ({ policy: "l2-norm", budget: ablationShare, protectLayers })),
  ];
  const first = group.group * places.length;
  return measureKeys(context, { places, configurations, first }, async (engine, signal) => {
    const ids = await heldOutIds(engine, context.settings, signal);
    const longest = { ...group, count: depths.length, length: Math.max(...lengths), apart: 0 };
    const texts = textStretches(ids, longest);
    return places.map(({ depth }) => texts[depths.indexOf(depth)]!);
  });
}

const parts = (settings: ReproduceSettings) =>
  groupParts<NeedleResult>({
    key: `tiny, ${heldOutName(settings)}, needles at ${sizes.lengths.join(", ")} tokens and depths ${sizes.depths.join(", ")}`,
    label: "needles of tiny by share of the cache",
    seconds: 12,
    ranks: [0, 0, 1, 1, 1, 2, 2, 2],
    measure: (context, group) => measureNeedleGrid(context, group, sizes),
  });

/** A needle in real text with a part of the cache: what Devoto et al. find with half of it. */
export const l2Needle: Figure<NeedleResult> = {
  name: "l2-needle",
  title: "L2 norm: needle in a haystack by share of the cache kept",
  source: "Devoto et al. 2024 (arXiv 2406.11430), needle in a haystack and the ablation of skipped layers",
  parts,
  section(results, settings): Section {
    const measured = measuredOf(parts(settings), results);
    if (measured.length === 0) return { run: run(settings, 0), blocks: [], findings: [], missing };
    const { rows } = poolKeys(measured);
    const claim = { share: 0.5, says: "99 % with half of the cache (Llama-2-7B-80k)" };
    return {
      run: run(settings, rows[0]!.found.length),
      blocks: blocks(measured),
      findings: [...keyFindings(rows, claim), ...skipFindings(rows)],
      missing,
    };
  },
};

/** What the paper shows beside it. */
const missing = [
  "Llama-2-7B-80k and the model tuned for 32k by LongLoRA, contexts of tens of thousands of tokens, and LongBench: models that do not come with the program.",
];

const run = (settings: ReproduceSettings, prompts: number): string =>
  `tiny (8 layers, 7 million weights), f16 pages, ${prompts} prompts of ${sizes.lengths.join(", ")} tokens: the one form of needle ` +
  `that this model was trained to find, a key of five digits, in text (${heldOutName(settings)}), and a question for it. The cache is ` +
  "compressed once, after the prompt and the first token of the answer, as in the paper. Found means that greedy decoding gives " +
  "every digit. No tokens are safe but the newest one.";

function blocks(measured: readonly NeedleResult[]): Block[] {
  const pooled = poolKeys(measured);
  const { rows } = pooled;
  const curves = rows.filter(
    ({ protectLayers }) => !ablationSets.some((set) => String(set) === String(protectLayers)),
  );
  const map = (row: (typeof rows)[number]): Block => ({
    kind: "heat-map",
    caption:
      row === rows[0]
        ? "Keys found with the full cache"
        : `Keys found: l2-norm, ${percent(row.budget)} of the cache, ${skipName(row.protectLayers)}`,
    rows: "depth",
    columns: "tokens",
    rowNames: sizes.depths.map(String),
    columnNames: sizes.lengths.map(String),
    values: accuracyMap(pooled, row, sizes.lengths, sizes.depths),
    range: [0, 1],
  });
  const halves = sizes.protect.flatMap(
    (protectLayers) =>
      rows.find((row) => samePlace(row, { policy: "l2-norm", budget: 0.5, protectLayers })) ?? [],
  );
  const skips = skipTable(rows);
  return [
    {
      kind: "lines",
      caption:
        "Keys found by share of the cache kept in the layers that are cut; all lengths and depths together",
      x: { label: "share of the cache kept", scale: "linear" },
      y: { label: "share of keys found", scale: "linear" },
      series: [
        ...shareLines(curves, ({ accuracy }) => accuracy.value),
        claimLine("Devoto et al., Llama-2-7B-80k: 99 %", 0.5, 0.99),
      ],
    },
    {
      kind: "table",
      caption:
        "The same in numbers, with 95 % intervals; against random with as many slots, on the same prompts",
      columns: ["policy", "skipped", "share", "found", "against random"],
      rows: curves.map((row, i) => [
        row.policy,
        i === 0 ? "" : skipName(row.protectLayers),
        percent(row.budget),
        shareText(row.accuracy),
        verdictText(row.againstRandom),
      ]),
    },
    ...[rows[0]!, ...halves].map(map),
    ...(skips ? [skips] : []),
  ];
}
