import { factList } from "../../html/fact-list.ts";
import { htmlDocument } from "../../html/html-document.ts";
import { htmlTable } from "../../html/html-table.ts";
import { element, type Markup } from "../../html/markup.ts";
import { pictureElement } from "../../html/picture.ts";
import { numberColumns } from "../../text-table.ts";
import type { Block } from "../figure.ts";
import { reproduceFacts } from "../report/reproduce-facts.ts";
import type { FigureReport, PartReport, ReproduceReport } from "../report/reproduce-report.ts";
import { blockChart } from "./block-chart.ts";

/** The report as one HTML document that needs no network and no script. */
export function reproduceHtml(report: ReproduceReport): string {
  return htmlDocument(
    "Figures of papers, made again",
    [],
    factList(reproduceFacts(report)),
    element(
      "p",
      { class: "note" },
      "Solid lines with filled markers were measured here; dashed ones with hollow markers are published, dotted ones computed. What lies under the pointer shows its numbers.",
    ),
    element(
      "ul",
      {},
      report.figures.map(({ name, title }) => element("li", {}, element("a", { href: `#${name}` }, title))),
    ),
    report.figures.map(figureSection),
  );
}

function figureSection({ name, title, source, section, parts }: FigureReport): Markup {
  return element(
    "section",
    { id: name },
    element("h2", {}, title),
    element("p", { class: "note" }, source, " ", element("code", {}, `kvasir-bench reproduce ${name}`)),
    element("p", {}, section.run),
    groupsOf(section.blocks).map(blockGroup),
    listed("Findings", section.findings),
    listed("Missing", section.missing),
    element(
      "details",
      {},
      element("summary", {}, "Parts"),
      element("div", { class: "tables" }, table(["part", "", "seconds", "ended"], parts.map(partRow))),
    ),
  );
}

/** Blocks of one kind that follow each other, which stand side by side where they fit. */
function groupsOf(blocks: readonly Block[]): readonly (readonly Block[])[] {
  const groups: Block[][] = [];
  for (const block of blocks) {
    const last = groups.at(-1);
    if (last?.[0]?.kind === block.kind) last.push(block);
    else groups.push([block]);
  }
  return groups;
}

const classes = { table: "tables", lines: "charts", "heat-map": "small maps" } as const;

function blockGroup(blocks: readonly Block[]): Markup {
  return element("div", { class: classes[blocks[0]!.kind] }, blocks.map(blockFigure));
}

function blockFigure(block: Block): Markup {
  const caption = element("figcaption", {}, block.caption);
  if (block.kind === "table") {
    const rows = block.rows.map((row) => row.map((cell) => cell ?? ""));
    return element("figure", {}, caption, table(block.columns, rows));
  }
  const chart = blockChart(block);
  return element("figure", {}, caption, chart ? pictureElement(chart) : []);
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): Markup {
  const isText = numberColumns(columns, rows).map((isNumber) => !isNumber);
  return htmlTable(columns, rows, undefined, isText);
}

function partRow({ label, state, seconds, date }: PartReport): readonly string[] {
  return [label, state, seconds?.toFixed(1) ?? "", date?.slice(0, 16).replace("T", " ") ?? ""];
}

function listed(title: string, sentences: readonly string[]): Markup | readonly [] {
  if (sentences.length === 0) return [];
  return element(
    "div",
    {},
    element("h3", {}, title),
    element(
      "ul",
      {},
      sentences.map((sentence) => element("li", {}, sentence)),
    ),
  );
}
