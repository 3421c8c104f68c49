import type { Block, Figure, ReproduceSettings, Section } from "../figure.ts";
import { heldOutName } from "../held-out-text.ts";
import { skipName } from "../l2-norm/l2-choices.ts";
import { groupParts, measuredOf } from "../l2-norm/sample-groups.ts";
import { claimLine, shareLines } from "../l2-norm/share-lines.ts";
import { estimateText, percent, verdictText } from "../l2-norm/show-estimate.ts";
import { lmFindings } from "./lm-findings.ts";
import type { LmResult } from "./lm-result.ts";
import { type LmSizes, measureLm } from "./measure-lm.ts";
import { type LmRow, poolLm } from "./pool-lm.ts";

const sizes: LmSizes = {
  windows: 8,
  prompt: 384,
  tokens: 64,
  shares: [0.9, 0.75, 0.5, 0.3, 0.1],
  protect: [[], [0, 1]],
};

const parts = (settings: ReproduceSettings) =>
  groupParts<LmResult>({
    key: `tiny, ${heldOutName(settings)}, ${sizes.windows} windows of ${sizes.prompt} + ${sizes.tokens}`,
    label: "loss of tiny by share of the cache",
    seconds: 36,
    ranks: [0, 1, 1, 2, 2],
    measure: (context, group) => measureLm(context, group, sizes),
  });

/** Language modelling with a part of the cache: what Devoto et al. call free down to half of it. */
export const l2Lm: Figure<LmResult> = {
  name: "l2-lm",
  title: "L2 norm: perplexity by share of the cache kept",
  source: "Devoto et al. 2024 (arXiv 2406.11430), language modelling",
  parts,
  section(results, settings): Section {
    const measured = measuredOf(parts(settings), results);
    if (measured.length === 0) return { run: run(settings, 0), blocks: [], findings: [], missing };
    const rows = poolLm(measured);
    const windows = rows[0]!.losses.length;
    return { run: run(settings, windows), blocks: blocks(rows), findings: lmFindings(rows), missing };
  },
};

/** What the paper shows beside it. */
const missing = [
  "Llama-2-7B, Llama-3-8B and Gemma on Wikipedia and on code: models that do not come with the program.",
  "A cache of a fixed size, 1,000 or 2,000 tokens, and far longer texts: tiny has 1,024 positions.",
];

const run = (settings: ReproduceSettings, windows: number): string =>
  `tiny (8 layers, 7 million weights), f16 pages, ${windows} windows of a text that it was not trained on (${heldOutName(settings)}): ${sizes.prompt} tokens ` +
  `read at once, then ${sizes.tokens} decoded by force and judged, which no two windows have in common. The cache is cut once after the prompt and, while decoding, ` +
  "whenever a head is a page over its share of all tokens so far; the paper cuts in every step, to a fixed number. " +
  "No tokens are safe but the newest one. Intervals are 95 %, ratios paired over windows.";

function blocks(rows: readonly LmRow[]): Block[] {
  return [
    {
      kind: "lines",
      caption: "Perplexity by share of the cache kept in the layers that are cut",
      x: { label: "share of the cache kept", scale: "linear" },
      y: { label: "perplexity / that of the full cache", scale: "linear" },
      series: [
        ...shareLines(rows, ({ ratio }) => ratio.value),
        claimLine("Devoto et al., models of 7 and 8 billion weights: no impact", 0.5, 1),
      ],
    },
    {
      kind: "table",
      caption: "The same in numbers; against random with as many slots, on the same windows",
      columns: ["policy", "skipped", "share", "tokens a head", "perplexity", "x full", "against random"],
      rows: rows.map((row, i) => [
        row.policy,
        i === 0 ? "" : skipName(row.protectLayers),
        percent(row.budget),
        (row.residentTokens.reduce((sum, value) => sum + value, 0) / row.residentTokens.length).toFixed(0),
        estimateText(row.perplexity, 2),
        i === 0 ? "" : estimateText(row.ratio, 3),
        verdictText(row.againstRandom),
      ]),
    },
  ];
}
