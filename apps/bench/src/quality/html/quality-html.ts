import { htmlDocument } from "../../html/html-document.ts";
import { lineChart } from "../../html/line-chart.ts";
import { type LineStyle, lineSample } from "../../html/line-style.ts";
import { element, type Markup } from "../../html/markup.ts";
import { pictureElement } from "../../html/picture.ts";
import { protectionName, protectionTitle } from "../configuration.ts";
import { needleTasks } from "../needle-prompt.ts";
import type { QualityReport } from "../quality-report.ts";
import { measureCharts } from "./measure-charts.ts";
import { needleSection } from "./needle-section.ts";
import { policyStyles } from "./policy-style.ts";
import { qualityTable } from "./quality-table.ts";
import { reportHead } from "./report-head.ts";
import { rowsProtecting } from "./rows-protecting.ts";

/** The report as one HTML document that needs no network and no script. */
export function qualityHtml(report: QualityReport): string {
  const styles = policyStyles(report.rows.map(({ policy }) => policy));
  const classNames = [...styles.keys()].map((_, i) => `p${i}`);
  const title = `What eviction keeps of ${report.model.model}`;
  return htmlDocument(
    title,
    classNames,
    reportHead(report),
    report.settings.protect.map((layers) => chartSection(report, layers, styles)),
    needleTasks.map((task) => needleSection(report, task)),
    element("h2", {}, "All rows"),
    qualityTable(report),
  );
}

function chartSection(
  report: QualityReport,
  layers: readonly number[],
  styles: ReadonlyMap<string, LineStyle>,
): Markup {
  const rows = rowsProtecting(report, layers);
  return element(
    "section",
    { "data-protect": protectionName(layers) },
    element("h2", {}, `Quality against memory: ${protectionTitle(layers)}`),
    legend(styles),
    element(
      "div",
      { class: "charts" },
      measureCharts(report.rows[0]!, rows, styles).map((chart) => pictureElement(lineChart(chart))),
    ),
    element(
      "p",
      { class: "note" },
      "A line a policy, a point a budget, with its 95 % interval; random is grey. Filled: better than random, hollow: not. Where lines lie on top of each other, so do their results. Points at the same memory are drawn a little apart. A policy under the pointer in the legend stands out.",
    ),
  );
}

function legend(styles: ReadonlyMap<string, LineStyle>): Markup {
  const items = [...styles].map(([policy, style], i) =>
    element(
      "li",
      { class: `p${i}` },
      element("svg", { viewBox: "0 0 46 14", "aria-hidden": "true" }, lineSample(1, 7, style)),
      policy,
    ),
  );
  return element("ul", { class: "legend" }, items);
}
