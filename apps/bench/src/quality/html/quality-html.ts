import { element, Markup } from "../../html/markup.ts";
import { reportStyle } from "../../html/report-style.ts";
import { protectionName } from "../configuration.ts";
import { needleTasks } from "../needle-prompt.ts";
import type { QualityReport, QualityRow } from "../quality-report.ts";
import { heatColour, heatMaps } from "./heat-maps.ts";
import { lineChart } from "./line-chart.ts";
import { measureCharts } from "./measure-charts.ts";
import { markerAt, type PolicyStyle, policyStyles } from "./policy-style.ts";
import { qualityTable } from "./quality-table.ts";
import { reportHead } from "./report-head.ts";

/** The report as one HTML document that needs no network and no script. */
export function qualityHtml(report: QualityReport): string {
  const styles = policyStyles(report.rows.map(({ policy }) => policy));
  const classNames = [...styles.keys()].map((_, i) => `p${i}`);
  const title = `What eviction keeps of ${report.model.model}`;
  const document = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("title", {}, title),
      element("style", {}, new Markup(reportStyle(classNames))),
    ),
    element(
      "body",
      {},
      element("h1", {}, title),
      reportHead(report),
      report.settings.protect.map((layers) => chartSection(report, layers, styles)),
      needleTasks.map((task) => needleSection(report, task)),
      element("h2", {}, "All rows"),
      element("div", { class: "scroll" }, qualityTable(report)),
    ),
  );
  return `<!doctype html>\n${document.text}\n`;
}

const protection = (layers: readonly number[]): string =>
  layers.length > 0 ? `KV layers ${layers.join(", ")} protected` : "no layer protected";

const sameLayers = ({ protectLayers }: QualityRow, layers: readonly number[]): boolean =>
  protectionName(protectLayers) === protectionName(layers);

function chartSection(
  report: QualityReport,
  layers: readonly number[],
  styles: ReadonlyMap<string, PolicyStyle>,
): Markup {
  const rows = report.rows.filter((row) => row.policy !== "full" && sameLayers(row, layers));
  return element(
    "section",
    { "data-protect": protectionName(layers) },
    element("h2", {}, `Quality against memory: ${protection(layers)}`),
    legend(styles),
    element(
      "div",
      { class: "charts" },
      measureCharts(report.rows[0]!, rows, styles).map((chart) => lineChart(chart)),
    ),
    element(
      "p",
      { class: "note" },
      "A line a policy, a point a budget, with its 95 % interval; random is grey. Filled: better than random, hollow: not. Where lines lie on top of each other, so do their results. Points at the same memory are drawn a little apart. A policy under the pointer in the legend stands out.",
    ),
  );
}

function legend(styles: ReadonlyMap<string, PolicyStyle>): Markup {
  const items = [...styles].map(([policy, style], i) =>
    element(
      "li",
      { class: `p${i}` },
      element(
        "svg",
        { viewBox: "0 0 46 14", "aria-hidden": "true" },
        element("line", {
          x1: 1,
          x2: 45,
          y1: 7,
          y2: 7,
          stroke: style.colour,
          "stroke-width": 1.8,
          "stroke-dasharray": style.dash,
        }),
        markerAt(23, 7, style),
      ),
      policy,
    ),
  );
  return element("ul", { class: "legend" }, items);
}

function needleSection(report: QualityReport, task: (typeof needleTasks)[number]): Markup {
  const budgets = report.settings.budgets.map((budget) => `budget ${budget}`);
  const fullName = "full (no budget)";
  const policies = [fullName, ...new Set(report.rows.slice(1).map(({ policy }) => policy))];
  const full = report.rows[0]!;
  const ramp = [0, 0.2, 0.4, 0.6, 0.8, 1].map(heatColour).join(",");
  return element(
    "section",
    { "data-task": task },
    element("h2", {}, `${task === "passkey" ? "Passkey" : "Multi-key needle"}: depth against length`),
    element(
      "p",
      {},
      "Prompts found of those tried. Down: where the key lies in the text, 0 at its beginning; across: tokens of the prompt.",
    ),
    element(
      "div",
      { class: "ramp" },
      "none",
      element("i", { style: `background:linear-gradient(90deg,${ramp})` }, " "),
      "all",
    ),
    element(
      "div",
      { class: "maps" },
      report.settings.protect.map((layers) => {
        const rows = report.rows.filter((row) => row.policy !== "full" && sameLayers(row, layers));
        const cells = (row: QualityRow) => row.cells.filter((cell) => cell.task === task);
        return heatMaps({
          title: protection(layers),
          rows: policies,
          columns: budgets,
          maps: [
            { row: fullName, column: budgets[0]!, cells: cells(full) },
            ...rows.map((row) => ({ row: row.policy, column: `budget ${row.budget}`, cells: cells(row) })),
          ],
        });
      }),
    ),
  );
}
