import { textTable } from "../../text-table.ts";
import type { Block } from "../figure.ts";
import { heatRows, lineRows } from "./chart-rows.ts";
import { reproduceFacts } from "./reproduce-facts.ts";
import type { FigureReport, ReproduceReport } from "./reproduce-report.ts";

/** The report for a terminal: charts are tables there. */
export function reportText(report: ReproduceReport): string {
  const facts = reproduceFacts(report).map(([name, value]) => `${name}: ${value}`);
  return `${[facts.join("\n"), ...report.figures.map(figureText)].join("\n\n")}\n`;
}

function figureText({ name, title, source, section }: FigureReport): string {
  const heading = `${name}: ${title}`;
  return [
    `${heading}\n${"=".repeat(heading.length)}\n${source}\n${section.run}`,
    ...section.blocks.map((block) => `${block.caption}\n\n${tableOf(block)}`),
    ...listed("Findings", section.findings),
    ...listed("Missing", section.missing),
  ].join("\n\n");
}

function tableOf(block: Block): string {
  const { columns, rows } =
    block.kind === "table" ? block : block.kind === "lines" ? lineRows(block) : heatRows(block);
  return textTable(
    columns,
    rows.map((row) => row.map((cell) => cell ?? "")),
  );
}

function listed(title: string, sentences: readonly string[]): string[] {
  return sentences.length > 0 ? [`${title}:\n${sentences.map((one) => `- ${one}`).join("\n")}`] : [];
}
