import { element, Markup } from "../../html/markup.ts";
import { reportStyle } from "../../html/report-style.ts";
import { loadFacts } from "../report/load-facts.ts";
import type { LoadReport } from "../report/load-report.ts";
import { latencyHeader, latencyRows } from "../report/load-text.ts";
import { curveChart } from "./curve-chart.ts";
import { loadCharts } from "./load-charts.ts";

/** The report as one HTML document that needs no network and no script. */
export function loadHtml(report: LoadReport): string {
  const title = `${report.server.model} under load`;
  const document = element(
    "html",
    { lang: "en" },
    element(
      "head",
      {},
      element("meta", { charset: "utf-8" }),
      element("meta", { name: "viewport", content: "width=device-width, initial-scale=1" }),
      element("title", {}, title),
      element("style", {}, new Markup(reportStyle([]))),
    ),
    element(
      "body",
      {},
      element("h1", {}, title),
      element(
        "dl",
        {},
        [...loadFacts(report), ["command", report.command] as const].map(([name, value]) => [
          element("dt", {}, name),
          element("dd", {}, value),
        ]),
      ),
      report.violations.map((violation) => element("p", { class: "worse" }, violation)),
      element("h2", {}, "Latencies of completed requests"),
      table(latencyHeader, latencyRows(report)),
      report.errors.length > 0
        ? table(
            ["failed", "status", "code"],
            report.errors.map(({ status, code, count }) => [String(count), String(status), code]),
          )
        : [],
      element("h2", {}, "Distributions, and the run over time"),
      element("div", { class: "charts" }, loadCharts(report).map(curveChart)),
    ),
  );
  return `<!doctype html>\n${document.text}\n`;
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): Markup {
  const cells = (name: "th" | "td", row: readonly string[]) =>
    element(
      "tr",
      {},
      row.map((cell) => element(name, {}, cell)),
    );
  return element(
    "div",
    { class: "scroll" },
    element(
      "table",
      {},
      element("thead", {}, cells("th", header)),
      element(
        "tbody",
        {},
        rows.map((row) => cells("td", row)),
      ),
    ),
  );
}
