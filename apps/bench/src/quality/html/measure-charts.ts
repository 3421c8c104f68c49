import type { Estimate } from "../estimate.ts";
import type { QualityRow } from "../quality-report.ts";
import type { ChartPoint, LineChart } from "./line-chart.ts";
import type { PolicyStyle } from "./policy-style.ts";

type Measure = Pick<LineChart, "title" | "yLabel" | "scale"> & {
  readonly of: (row: QualityRow) => Estimate;
  readonly against: keyof NonNullable<QualityRow["againstRandom"]>;
};

const measures: readonly Measure[] = [
  {
    title: "Divergence from the full cache (lower is better)",
    yLabel: "KL, nats a token",
    scale: "log",
    of: ({ divergence }) => divergence,
    against: "divergence",
  },
  {
    title: "Perplexity over the full cache's (lower is better)",
    yLabel: "times the full cache's",
    scale: "linear",
    of: ({ perplexityRatio }) => perplexityRatio,
    against: "perplexity",
  },
  {
    title: "Passkeys found",
    yLabel: "share of prompts",
    scale: "share",
    of: ({ needles }) => needles.passkey,
    against: "passkey",
  },
  {
    title: "Keys found among several",
    yLabel: "share of prompts",
    scale: "share",
    of: ({ needles }) => needles["multi-key"],
    against: "multi-key",
  },
];

/** The charts of rows with the same protected layers, against the share of the full cache's bytes. */
export function measureCharts(
  full: QualityRow,
  rows: readonly QualityRow[],
  styles: ReadonlyMap<string, PolicyStyle>,
): LineChart[] {
  return measures.map(({ of, against, ...chart }) => {
    const level = of(full).value;
    return {
      ...chart,
      xLabel: "KV memory while decoding, of the full cache's",
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
