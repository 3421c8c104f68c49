import type { Block, Figure, ReproduceSettings, Section } from "../figure.ts";
import { heldOutName } from "../held-out-text.ts";
import { passesBlocks, passkeyTable, perplexityTable, positionChart } from "./quality-blocks.ts";
import { passesFindings, passkeyFindings, perplexityFinding, positionFinding } from "./quality-findings.ts";
import { lckvQualityParts, partList } from "./quality-parts.ts";
import type { LckvQualityResult } from "./quality-result.ts";
import { passesRows, passkeyRows, perplexityRatio, positionRows } from "./quality-rows.ts";
import { lckvQualitySizes } from "./quality-sizes.ts";

/** What a condensed cache costs in quality, and what fewer passes over a prompt do. */
export const lckvQuality: Figure<LckvQualityResult> = {
  name: "lckv-quality",
  title: "LCKV: perplexity, and passes over the prompt",
  source: "Wu and Tu 2024 (arXiv 2405.10637), tables 2 and 3, figures 11 to 13",
  parts: (settings) => partList(lckvQualityParts(settings)),
  section(results, settings): Section {
    const { text, positions, passes, passkeys } = lckvQualityParts(settings);
    const blocks: Block[] = [];
    const findings: string[] = [];
    const measuredText = results.get(text.key);
    if (measuredText?.kind === "text") {
      const ratio = perplexityRatio(measuredText);
      blocks.push(perplexityTable(ratio));
      findings.push(perplexityFinding(ratio));
    }
    const measuredPositions = results.get(positions.key);
    if (measuredPositions?.kind === "text") {
      const rows = positionRows(measuredPositions);
      blocks.push(positionChart(rows));
      findings.push(...positionFinding(rows));
    }
    const measuredPasses = results.get(passes.key);
    if (measuredPasses?.kind === "passes") {
      const rows = passesRows(measuredPasses);
      blocks.push(...passesBlocks(rows));
      findings.push(...passesFindings(rows));
    }
    const lengths = passkeys.flatMap(({ length, part }) => {
      const result = results.get(part.key);
      return result?.kind === "passkey" ? [{ length, rows: passkeyRows(result) }] : [];
    });
    if (lengths.length > 0) blocks.push(passkeyTable(lengths));
    findings.push(...lengths.flatMap(({ length, rows }) => passkeyFindings(length, rows)));
    return { run: run(settings), blocks, findings, missing: missing(results, settings) };
  },
};

function run(settings: ReproduceSettings): string {
  const { text, positions, passes, passkey } = lckvQualitySizes;
  return (
    `tiny (8 KV layers of 8) and tiny-lckv (0_6_6_6_6_6_6_7, 3 of 8), f16 pages, on ${heldOutName(settings)}. Perplexity token by ` +
    `token from the first on, as the paper measures it: ${text.windows} windows of ${text.tokens} tokens, and ${positions.windows} of ` +
    `${positions.tokens} by position. Passes: ${passes.windows} prompts of ${passes.tokens} tokens, with ${passes.judged} more decoded by force ` +
    `and judged. Passkeys: ${passkey.depths.length * passkey.samples} prompts of a length. Intervals are 95 %, differences paired. The paper ` +
    "encodes prompts with 7 + 2 passes."
  );
}

function missing(results: ReadonlyMap<string, LckvQualityResult>, settings: ReproduceSettings): string[] {
  const left = partList(lckvQualityParts(settings)).filter(({ key }) => !results.has(key));
  const seconds = left.reduce((sum, part) => sum + part.seconds, 0);
  return [
    ...(left.length > 0
      ? [
          `${left.map(({ label }) => label).join("; ")}: not run in the time there was, about ${seconds} s more on two cores.`,
        ]
      : []),
    "Table 2, accuracy on seven zero-shot tasks: needs their data sets and models that can answer them; passkeys stand in.",
    "w = 10, and figure 11, which compares numbers of training passes with gradient: need models that were trained so.",
  ];
}
