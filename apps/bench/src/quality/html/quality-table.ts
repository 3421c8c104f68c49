import { htmlTable } from "../../html/html-table.ts";
import { type Child, element, type Markup } from "../../html/markup.ts";
import { protectionName } from "../configuration.ts";
import type { Estimate } from "../estimate.ts";
import type { Comparison } from "../paired.ts";
import type { QualityReport, QualityRow } from "../quality-report.ts";

const interval = ({ value, low, high }: Estimate, digits: number, unit = 1): Child => [
  (value * unit).toFixed(digits),
  " ",
  element("small", {}, `${(low * unit).toFixed(digits)} to ${(high * unit).toFixed(digits)}`),
];

const marks = { better: "▲", "no different": "=", worse: "▼" } as const;
const classes = { better: "better", "no different": "same", worse: "worse" } as const;

const verdict = (comparison: Comparison | undefined): Child =>
  comparison
    ? element(
        "span",
        { class: classes[comparison.verdict] },
        `${marks[comparison.verdict]} ${comparison.verdict}`,
      )
    : "";

/** All rows, with what each does against `random`. */
export function qualityTable({ rows }: QualityReport): Markup {
  const full = rows[0]!.kvBytes;
  const columns: readonly (readonly [string, (row: QualityRow) => Child])[] = [
    ["policy", ({ policy }) => policy],
    ["budget", ({ budget }) => String(budget)],
    ["protected", ({ protectLayers }) => protectionName(protectLayers)],
    ["resident tokens", ({ residentTokens }) => residentTokens.toFixed(1)],
    ["KV KiB", ({ kvBytes }) => (kvBytes / 1024).toFixed(0)],
    ["freed KiB", ({ freedBytes }) => (freedBytes / 1024).toFixed(0)],
    ["freed, %", ({ freedBytes }) => ((100 * freedBytes) / full).toFixed(0)],
    ["KL, nats", ({ divergence }) => interval(divergence, 3)],
    ["vs random", (row) => verdict(row.againstRandom?.divergence)],
    ["passkey, %", ({ needles }) => interval(needles.passkey, 0, 100)],
    ["vs random", (row) => verdict(row.againstRandom?.passkey)],
    ["multi-key, %", ({ needles }) => interval(needles["multi-key"], 0, 100)],
    ["vs random", (row) => verdict(row.againstRandom?.["multi-key"])],
    ["perplexity", ({ perplexity }) => interval(perplexity, 2)],
    ["over full's", ({ perplexityRatio }) => interval(perplexityRatio, 3)],
    ["vs random", (row) => verdict(row.againstRandom?.perplexity)],
    ["same top token, %", ({ sameTop }) => interval(sameTop, 1, 100)],
    ["vs random", (row) => verdict(row.againstRandom?.sameTop)],
    ["decoding, tok/s", ({ tokensPerSecond }) => tokensPerSecond.toFixed(0)],
  ];
  return htmlTable(
    columns.map(([title]) => title),
    rows.map((row) => columns.map(([, cell]) => cell(row))),
    (i) => (rows[i]!.policy === "random" ? "random" : "row"),
  );
}
