import type { ChartAxis, ChartLine, LineChart } from "../../html/line-chart.ts";
import { type LineStyle, lineStyle } from "../../html/line-style.ts";
import { type LatencyName, latencyNames } from "../load-settings.ts";
import type { LoadReport } from "../report/load-report.ts";

const titles: Record<LatencyName, string> = {
  ttft: "Time to the first token",
  itl: "Gaps between tokens",
  tpot: "Time for each token after the first, mean of a request",
  e2e: "Arrival to end",
};

type Point = readonly [x: number, y: number];

const overTime: ChartAxis = { label: "seconds", scale: "linear", fromZero: true };

/** The charts of a report: how latencies are distributed, and the run over time. */
export function loadCharts({ latencies, series }: LoadReport): readonly LineChart[] {
  const distributions = latencyNames.flatMap((name) => {
    const found = latencies[name];
    if (!found) return [];
    const points = found.quantiles.map((value, i) => [value, i / (found.quantiles.length - 1)] as const);
    const x: ChartAxis = { label: `ms, of ${found.n}`, scale: "log" };
    return [
      chart(titles[name], x, { label: "share at most as long", scale: "share" }, curves([[name, points]])),
    ];
  });
  const times = (values: readonly number[]) =>
    values.map((value, i) => [(i + 0.5) * series.step, value] as const);
  const amount = (label: string): ChartAxis => ({ label, scale: "linear", fromZero: true });
  return [
    ...distributions,
    chart(
      `Throughput, in parts of ${series.step} s`,
      overTime,
      amount("tokens/s"),
      curves([
        ["output", times(series.outputRate)],
        ["prompt", times(series.promptRate)],
      ]),
    ),
    ...(series.firstTokens.length > 0
      ? [
          chart(
            "Time to the first token, by arrival",
            overTime,
            amount("ms"),
            curves([["ttft", series.firstTokens]], "dot"),
          ),
        ]
      : []),
    chart("Open requests", overTime, amount("requests"), curves([["open", times(series.open)]])),
  ];
}

function chart(title: string, x: ChartAxis, y: ChartAxis, lines: readonly ChartLine[]): LineChart {
  return { title, label: title, x, y, lines, legend: true };
}

function curves(
  named: readonly (readonly [name: string, points: readonly Point[]])[],
  marker: LineStyle["marker"] = "none",
): readonly ChartLine[] {
  return named.map(([name, points], i) => ({
    name,
    style: { ...lineStyle(i), marker },
    joined: marker !== "dot",
    points: points.map(([x, y]) => ({ x, y })),
  }));
}
