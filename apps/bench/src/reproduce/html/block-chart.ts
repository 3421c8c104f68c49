import { heatColour, twoSidedColour } from "../../html/colour-scale.ts";
import { type HeatCell, type HeatMaps, heatMaps } from "../../html/heat-maps.ts";
import { type ChartAxis, type ChartLine, lineChart } from "../../html/line-chart.ts";
import { type LineStyle, lineStyle } from "../../html/line-style.ts";
import type { Picture } from "../../html/picture.ts";
import { tickText } from "../../html/tick-text.ts";
import type { Axis, Block, HeatMapBlock, LineChartBlock, Series } from "../figure.ts";
import { numberText } from "../report/number-text.ts";

/** What a chart looks like; nothing of a table. Its caption stands beside it. */
export function blockChart(block: Block): Picture | undefined {
  if (block.kind === "table") return undefined;
  return block.kind === "lines" ? lines(block) : heatMaps(heatMap(block));
}

/** With more points than this, a marker at each would hide the line. */
const markedPoints = 40;

function lines({ caption, x, y, series }: LineChartBlock): Picture {
  const points = series.flatMap((one) => one.points);
  return lineChart({
    label: caption,
    x: axisOf(
      x,
      points.map((point) => point.x),
    ),
    y: axisOf(
      y,
      points.map((point) => point.y),
    ),
    lines: series.map(lineOf),
    legend: true,
  });
}

/** From 0 unless what is to be seen would shrink to less than half of the chart. */
function axisOf({ label, scale }: Axis, values: readonly number[]): ChartAxis {
  const [low, high] = values.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
  return { label, scale, fromZero: low >= 0 && low <= high / 2 };
}

function lineOf({ name, kind, points }: Series, i: number): ChartLine {
  const style = styleOf(kind, lineStyle(i), points.length);
  return {
    name: kind === "measured" ? name : `${name} (${kind})`,
    style,
    // Points above each other are of different things.
    joined: new Set(points.map(({ x }) => x)).size === points.length,
    points: points.map(({ x, y }) => ({
      ...{ x, y, hollow: kind === "published" },
      // Where nothing is seen to point at, there is nothing to show.
      ...(style.marker !== "none" && { title: `${name}: ${x}, ${numberText(y)}` }),
    })),
  };
}

function styleOf(kind: Series["kind"], style: LineStyle, points: number): LineStyle {
  if (kind === "computed") return { ...style, dash: "2 4", marker: points === 1 ? style.marker : "none" };
  return {
    ...style,
    dash: kind === "published" ? "8 4" : style.dash,
    marker: points > markedPoints ? "none" : style.marker,
  };
}

/** Pixels that a map takes at most, and a cell at least and at most. */
const sides = { across: { map: 420, most: 44 }, down: { map: 360, most: 22 } } as const;
const least = 3;

function heatMap(block: HeatMapBlock): HeatMaps {
  const { caption, values, range } = block;
  const width = values.reduce((most, { length }) => Math.max(most, length), 0);
  const twoSided = range[0] < 0;
  const ends: readonly [number, number] = twoSided
    ? [-Math.max(-range[0], range[1]), Math.max(-range[0], range[1])]
    : range;
  const colour = twoSided ? twoSidedColour : heatColour;
  const names = {
    down: namesOf(block.rowNames, values.length),
    across: namesOf(block.columnNames, width),
  };
  const pixels = (side: "down" | "across") =>
    Math.max(least, Math.min(sides[side].most, sides[side].map / Math.max(1, names[side].length)));
  const cellOf = (value: number | undefined, down: number, across: number): HeatCell => {
    const where = `${block.rows} ${names.down[down]}, ${block.columns} ${names.across[across]}`;
    return value === undefined
      ? { down, across, colour: "#e4e4e4", text: "", title: `${where}: not measured` }
      : {
          ...{ down, across, title: `${where}: ${numberText(value)}` },
          colour: colour(ends[1] > ends[0] ? (value - ends[0]) / (ends[1] - ends[0]) : 0.5),
          text: value.toFixed(2).replace(/^(-?)0\./, "$1."),
        };
  };
  return {
    label: caption,
    rows: [""],
    columns: [""],
    down: { label: block.rows, names: names.down, pixels: pixels("down") },
    across: { label: block.columns, names: names.across, pixels: pixels("across") },
    maps: [
      { row: 0, column: 0, cells: values.flatMap((row, r) => row.map((value, c) => cellOf(value, r, c))) },
    ],
    scale: { colour, names: [ends[0], (ends[0] + ends[1]) / 2, ends[1]].map(tickText) },
  };
}

const namesOf = (names: readonly string[] | undefined, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => names?.[i] ?? String(i));
