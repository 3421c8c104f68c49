import { factList } from "../../html/fact-list.ts";
import { htmlDocument } from "../../html/html-document.ts";
import { htmlTable } from "../../html/html-table.ts";
import { lineChart } from "../../html/line-chart.ts";
import { element } from "../../html/markup.ts";
import { pictureElement } from "../../html/picture.ts";
import { loadFacts } from "../report/load-facts.ts";
import type { LoadReport } from "../report/load-report.ts";
import { latencyHeader, latencyRows } from "../report/load-text.ts";
import { loadCharts } from "./load-charts.ts";

/** The report as one HTML document that needs no network and no script. */
export function loadHtml(report: LoadReport): string {
  const failed = report.errors.map(({ status, code, count }) => [String(count), String(status), code]);
  return htmlDocument(
    `${report.server.model} under load`,
    [],
    factList([...loadFacts(report), ["command", report.command]]),
    report.violations.map((violation) => element("p", { class: "worse" }, violation)),
    element("h2", {}, "Latencies of completed requests"),
    htmlTable(latencyHeader, latencyRows(report)),
    failed.length > 0 ? htmlTable(["failed", "status", "code"], failed) : [],
    element("h2", {}, "Distributions, and the run over time"),
    element(
      "div",
      { class: "charts" },
      loadCharts(report).map((chart) => pictureElement(lineChart(chart))),
    ),
  );
}
