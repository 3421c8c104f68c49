import type { Block, LineChartBlock, Series, TableBlock } from "../figure.ts";
import { generationText } from "../generation.ts";
import { shown, times } from "../show-number.ts";
import { cardSources } from "./cards.ts";
import { publishedName, publishedPeak, publishedRows } from "./published.ts";
import {
  caseTraffic,
  predictedRatio,
  publishedCase,
  publishedCases,
  type RooflineCase,
  ratiosAt,
  trafficGrid,
} from "./roofline-ratios.ts";

/** What a roofline says of Llama and of LCKV with 2 warm-up layers, here (`own`, maybe none) and on the paper's cards. */
export function rooflineBlocks(own: readonly RooflineCase[]): Block[] {
  return [ratioTable(own), ratioChart(own)];
}

function ratioTable(own: readonly RooflineCase[]): TableBlock {
  return {
    kind: "table",
    caption: `LCKV with w = 2 over Llama by the roofline: a step takes as long as its operations at the machine's rate, or as reading its weights and its cache, whichever is longer. ${cardSources}`,
    columns: [
      "model, machine, prompt+generation",
      "batches, Llama and w = 2",
      "reading the weights over computing a token",
      "w = 2 of Llama's, roofline",
      "measured",
    ],
    rows: [...own, ...publishedCases()].map((one) => [
      one.name,
      `${one.batches.standard}, ${one.batches.lckv}`,
      shown(caseTraffic(one)),
      times(predictedRatio(one)),
      `${times(one.measured)}${one.published ? " (paper)" : ""}`,
    ]),
  };
}

function ratioChart(own: readonly RooflineCase[]): LineChartBlock {
  const seven = publishedRows.find(
    ({ card, shape, generation }) => card === "RTX 3090" && shape === "7b" && generation.generated === 1024,
  )!;
  const longest = own.find(({ generation }) => generation.generated === 1024) ?? own[0];
  const grid = trafficGrid(-1, 5, 6);
  const curve = (name: string, one: RooflineCase): Series => ({
    name,
    kind: "computed",
    points: ratiosAt(one, grid).map((y, i) => ({ x: grid[i]!, y })),
  });
  const point = (one: RooflineCase) => ({ x: caseTraffic(one), y: one.measured });
  const points = (name: string, cases: readonly RooflineCase[], kind: Series["kind"]): Series => ({
    name,
    kind,
    points: cases.map(point).sort((a, b) => a.x - b.x),
  });
  const { row } = publishedPeak;
  return {
    kind: "lines",
    caption:
      "LCKV with w = 2 over Llama, each at its own largest batch, against how slowly weights come: computed lines vary the rate at which weights are read and keep batches and all other rates",
    x: { label: "reading the weights over computing one token", scale: "log" },
    y: { label: "throughput, of Llama's", scale: "log" },
    series: [
      curve(`${publishedName(row)}, ${generationText(row.generation)}`, publishedCase(row)),
      curve(`${publishedName(seven)}, ${generationText(seven.generation)}`, publishedCase(seven)),
      ...(longest ? [curve(longest.name, longest)] : []),
      points("table 1", publishedCases(), "published"),
      ...(own.length > 0 ? [points("measured here", own, "measured")] : []),
    ],
  };
}
