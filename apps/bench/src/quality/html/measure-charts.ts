import type { ChartAxis, ChartPoint, LineChart } from "../../html/line-chart.ts";
import type { LineStyle } from "../../html/line-style.ts";
import type { Estimate } from "../estimate.ts";
import type { QualityRow } from "../quality-report.ts";

type Measure = {
  readonly title: string;
  readonly y: ChartAxis;
  readonly of: (row: QualityRow) => Estimate;
  readonly against: keyof NonNullable<QualityRow["againstRandom"]>;
};

const measures: readonly Measure[] = [
  {
    title: "Divergence from the full cache (lower is better)",
    y: { label: "KL, nats a token", scale: "log" },
    of: ({ divergence }) => divergence,
    against: "divergence",
  },
  {
    title: "Perplexity over the full cache's (lower is better)",
    y: { label: "times the full cache's", scale: "linear" },
    of: ({ perplexityRatio }) => perplexityRatio,
    against: "perplexity",
  },
  {
    title: "Passkeys found",
    y: { label: "share of prompts", scale: "share" },
    of: ({ needles }) => needles.passkey,
    against: "passkey",
  },
  {
    title: "Keys found among several",
    y: { label: "share of prompts", scale: "share" },
    of: ({ needles }) => needles["multi-key"],
    against: "multi-key",
  },
];

/** The charts of rows with the same protected layers, against the share of the full cache's bytes. */
export function measureCharts(
  full: QualityRow,
  rows: readonly QualityRow[],
  styles: ReadonlyMap<string, LineStyle>,
): LineChart[] {
  return measures.map(({ of, against, ...chart }) => {
    const level = of(full).value;
    return {
      ...chart,
      label: chart.title,
      x: { label: "KV memory while decoding, of the full cache's", scale: "share" },
      // Intervals of different policies at the same memory lie beside each other.
      apart: 2,
      legend: false,
      // A full cache does not diverge from itself, which a logarithm cannot show.
      ...(level > 0 && { level: { value: level, label: "full cache" } }),
      lines: [...styles].map(([policy, style], i) => ({
        name: policy,
        className: `p${i}`,
        style,
        points: rows
          .filter((row) => row.policy === policy)
          .map((row) =>
            pointOf(row, of(row), row.kvBytes / full.kvBytes, row.againstRandom?.[against].verdict),
          ),
      })),
    };
  });
}

function pointOf(
  { policy, budget }: QualityRow,
  { value, low, high }: Estimate,
  x: number,
  verdict: string | undefined,
): ChartPoint {
  const short = (number: number) => Number(number.toPrecision(3));
  const against = verdict ? `, ${verdict} than random`.replace("different than", "different from") : "";
  return {
    x,
    y: value,
    low,
    high,
    hollow: verdict !== undefined && verdict !== "better",
    title: `${policy}, budget ${budget}: ${short(value)} (${short(low)} to ${short(high)})${against}`,
  };
}
