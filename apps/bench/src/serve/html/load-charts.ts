import { type LatencyName, latencyNames } from "../load-settings.ts";
import type { LoadReport } from "../report/load-report.ts";
import type { CurveChart } from "./curve-chart.ts";

const titles: Record<LatencyName, string> = {
  ttft: "Time to the first token",
  itl: "Gaps between tokens",
  tpot: "Time for each token after the first, mean of a request",
  e2e: "Arrival to end",
};

/** The charts of a report: how latencies are distributed, and the run over time. */
export function loadCharts({ latencies, series }: LoadReport): readonly CurveChart[] {
  const distributions = latencyNames.flatMap((name): CurveChart[] => {
    const found = latencies[name];
    if (!found) return [];
    const points = found.quantiles.map((value, i) => [value, i / (found.quantiles.length - 1)] as const);
    return [
      {
        title: titles[name],
        xLabel: `ms, of ${found.n}`,
        yLabel: "share at most as long",
        xScale: "log",
        yScale: "share",
        curves: [{ name, points, form: "line" }],
      },
    ];
  });
  const overTime = { xLabel: "seconds", xScale: "linear", yScale: "linear" } as const;
  const curve = (name: string, values: readonly number[]) => ({
    name,
    form: "line" as const,
    points: values.map((value, i) => [(i + 0.5) * series.step, value] as const),
  });
  return [
    ...distributions,
    {
      ...overTime,
      title: `Throughput, in parts of ${series.step} s`,
      yLabel: "tokens/s",
      curves: [curve("output", series.outputRate), curve("prompt", series.promptRate)],
    },
    ...(series.firstTokens.length > 0
      ? [
          {
            ...overTime,
            title: "Time to the first token, by arrival",
            yLabel: "ms",
            curves: [{ name: "ttft", form: "points" as const, points: series.firstTokens }],
          },
        ]
      : []),
    { ...overTime, title: "Open requests", yLabel: "requests", curves: [curve("open", series.open)] },
  ];
}
