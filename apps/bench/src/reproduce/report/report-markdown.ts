import { markdownTable } from "../../text-table.ts";
import type { Block } from "../figure.ts";
import { reproduceFacts } from "./reproduce-facts.ts";
import type { FigureReport, ReproduceReport } from "./reproduce-report.ts";

/** The first line of a file that `reproduce` may overwrite. */
export const markdownMark = "<!-- Written by kvasir-bench reproduce, which overwrites it. -->";

/**
 * The report for a repository's pages, beside `report.html`.
 * @param chartFile where the picture of a chart is, a block that is no table, seen from the report
 */
export function reportMarkdown(
  report: ReproduceReport,
  chartFile: (figure: string, block: number) => string,
): string {
  return `${[
    markdownMark,
    "# Figures of papers, made again",
    "The same with everything under a pointer is in [report.html](report.html), all results are in [report.json](report.json).",
    reproduceFacts(report)
      .map(([name, value]) => `- ${name}: ${escaped(value)}`)
      .join("\n"),
    report.figures.map(({ name, title }) => `- [${escaped(title)}](#${name})`).join("\n"),
    ...report.figures.map((figure) => figureMarkdown(figure, chartFile)),
  ].join("\n\n")}\n`;
}

function figureMarkdown(
  { name, title, source, section }: FigureReport,
  chartFile: (figure: string, block: number) => string,
): string {
  return [
    `<a id="${name}"></a>\n\n## ${escaped(title)}`,
    `${escaped(source)}. \`kvasir-bench reproduce ${name}\``,
    escaped(section.run),
    ...section.blocks.map((block, i) => blockMarkdown(block, chartFile(name, i))),
    ...listed("Findings", section.findings),
    ...listed("Missing", section.missing),
  ].join("\n\n");
}

function blockMarkdown(block: Block, file: string): string {
  const caption = escaped(block.caption);
  if (block.kind !== "table") return `![${caption}](${file})\n\n${caption}`;
  const rows = block.rows.map((row) => row.map((cell) => escaped(cell ?? "")));
  return `${caption}\n\n${markdownTable(block.columns.map(escaped), rows)}`;
}

function listed(title: string, sentences: readonly string[]): string[] {
  return sentences.length > 0 ? [`**${title}**`, sentences.map((one) => `- ${escaped(one)}`).join("\n")] : [];
}

/** Plain text, in which Markdown sees nothing, on one line. */
const escaped = (text: string): string =>
  text.replace(/[\\`*_[\]<>|#]/g, (character) => `\\${character}`).replace(/\s+/g, " ");
