import { machineLine } from "../../machine-line.ts";
import type { Spread } from "../../spread.ts";
import { markdownTable, textTable } from "../../text-table.ts";
import { loadLine, requestLine, serverLine } from "../report/condition-lines.ts";
import { figure } from "../report/figure.ts";
import type { ServerComparison } from "./server-comparison.ts";

function spreadText({ median, low, high }: Spread, unit: string): string {
  return `${figure(median)}${unit} (${figure(low)}-${figure(high)})`;
}

function lines(comparison: ServerComparison): string[] {
  const { servers, settings, repetitions, hitRates } = comparison;
  const named = servers.map((server, i) => {
    const rate = hitRates[i];
    const hits = rate === undefined ? "hit rate not reported" : `hits ${(100 * rate).toFixed(1)} %`;
    return `${"AB"[i]}: ${serverLine(server)}; ${hits}`;
  });
  return [
    ...named,
    machineLine(comparison),
    `${loadLine(settings)}; ${requestLine(settings)}`,
    `median of ${repetitions} repetitions in turns (lowest-highest); a ratio above 1 is in A's favour`,
  ];
}

function table({ rows }: ServerComparison): [string[], string[][]] {
  const cells = rows.map(({ label, unit, first, second, ratio }) => [
    label,
    spreadText(first, ` ${unit}`),
    spreadText(second, ` ${unit}`),
    spreadText(ratio, "x"),
  ]);
  return [["", "A", "B", "ratio"], cells];
}

/** A comparison for a terminal. */
export function serverComparisonText(comparison: ServerComparison): string {
  return `${lines(comparison).join("\n")}\n\n${textTable(...table(comparison))}\n`;
}

/** The same as Markdown, for documents. */
export function serverComparisonMarkdown(comparison: ServerComparison): string {
  const list = lines(comparison).map((line) => `- ${line}`);
  return `${list.join("\n")}\n\n${markdownTable(...table(comparison))}\n`;
}
