import { type Axis, linearAxis, logAxis } from "./axis.ts";
import { chartFrame, drawn } from "./chart-frame.ts";
import { chartLegend } from "./chart-legend.ts";
import { type LineStyle, markerAt } from "./line-style.ts";
import { element, type Markup } from "./markup.ts";
import type { Picture } from "./picture.ts";
import { percentText, tickText } from "./tick-text.ts";

export type ChartPoint = {
  readonly x: number;
  readonly y: number;
  /** Ends of an interval around y. */
  readonly low?: number;
  readonly high?: number;
  /** What a pointer over it shows. */
  readonly title?: string;
  readonly hollow?: boolean;
};

export type ChartLine = {
  readonly name: string;
  /** Class of its elements, so that a legend outside can bring it out. */
  readonly className?: string;
  readonly style: LineStyle;
  /** Whether a line goes through the points; it does if not given. */
  readonly joined?: boolean;
  readonly points: readonly ChartPoint[];
};

export type ChartAxis = {
  readonly label: string;
  /** `share`: from 0 to 1, written in per cent. */
  readonly scale: "share" | "linear" | "log";
  /** Whether a linear one begins at 0, whatever the least number is. */
  readonly fromZero?: boolean;
};

export type LineChart = {
  readonly title?: string;
  readonly label: string;
  readonly x: ChartAxis;
  readonly y: ChartAxis;
  readonly lines: readonly ChartLine[];
  /** A level that the lines are to be read against. */
  readonly level?: { readonly value: number; readonly label: string };
  /** Pixels between lines, so that intervals at the same x do not hide each other. */
  readonly apart?: number;
  /** Whether the names of several lines are below the chart. */
  readonly legend: boolean;
};

/** Lines over two axes. What is 0 or less stands at the end of a logarithmic axis. */
export function lineChart(chart: LineChart): Picture {
  const { lines, level, apart = 0 } = chart;
  const points = lines.flatMap((line) => line.points);
  const x = axisOf(
    chart.x,
    points.map((point) => point.x),
    { from: drawn.left, to: drawn.right },
  );
  const y = axisOf(chart.y, [...points.map((point) => point.y), ...(level ? [level.value] : [])], {
    from: drawn.bottom,
    to: drawn.top,
  });
  return chartFrame(
    {
      ...(chart.title !== undefined && { title: chart.title }),
      ...{ label: chart.label, xLabel: chart.x.label, yLabel: chart.y.label, x, y },
      xTick: chart.x.scale === "share" ? percentText : tickText,
      yTick: chart.y.scale === "share" ? percentText : tickText,
      ...(chart.legend && lines.length > 1 && { legend: chartLegend(lines.map(entryOf)) }),
    },
    level ? levelLine(level, y) : [],
    lines.map((line, i) => lineOf(line, x, y, apart * (i - (lines.length - 1) / 2))),
  );
}

const entryOf = ({ name, style, points, joined = true }: ChartLine) => ({
  name,
  style,
  joined,
  hollow: points.length > 0 && points.every((point) => point.hollow === true),
});

// Spread into Math.max, thousands of points would not fit the stack.
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
const least = (values: readonly number[]) =>
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

function axisOf(
  { scale, fromZero = false }: ChartAxis,
  values: readonly number[],
  pixels: { readonly from: number; readonly to: number },
): Axis {
  if (scale === "share" || values.length === 0) return linearAxis({ low: 0, high: 1, ...pixels });
  const positive = values.filter((value) => value > 0);
  if (scale === "log" && positive.length > 0) {
    return logAxis({ low: least(positive), high: most(positive), ...pixels });
  }
  const low = least(values);
  return linearAxis({ low: fromZero ? Math.min(0, low) : low, high: most(values), ...pixels });
}

function levelLine({ value, label }: NonNullable<LineChart["level"]>, y: Axis): Markup[] {
  const at = y.place(value);
  return [
    element("line", { x1: drawn.left, x2: drawn.right, y1: at, y2: at, class: "level" }),
    element("text", { x: drawn.left + 6, y: at < drawn.top + 16 ? at + 15 : at - 5, class: "tick" }, label),
  ];
}

function lineOf(
  { name, className, style, joined = true, points }: ChartLine,
  x: Axis,
  y: Axis,
  shift: number,
): Markup {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const across = (point: ChartPoint) => x.place(point.x) + shift;
  const path = sorted.map((point) => `${across(point).toFixed(2)},${y.place(point.y).toFixed(2)}`);
  return element(
    "g",
    {
      class: className === undefined ? "line" : `line ${className}`,
      "data-line": name,
      stroke: style.colour,
    },
    sorted.map(({ low, high, ...point }) =>
      low === undefined || high === undefined
        ? []
        : element("line", {
            x1: across(point),
            x2: across(point),
            y1: y.place(low),
            y2: y.place(high),
            class: "interval",
          }),
    ),
    joined
      ? element("polyline", {
          points: path.join(" "),
          fill: "none",
          "stroke-width": 1.8,
          "stroke-dasharray": style.dash,
        })
      : [],
    sorted.map((point) => {
      const marker = markerAt(across(point), y.place(point.y), style, point.hollow);
      return point.title === undefined ? marker : element("g", {}, element("title", {}, point.title), marker);
    }),
  );
}
