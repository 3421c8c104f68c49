import { type Axis, linearAxis, logAxis } from "../../html/axis.ts";
import { chartFrame, drawn } from "../../html/chart-frame.ts";
import { element, type Markup } from "../../html/markup.ts";
import { markerAt, type PolicyStyle } from "./policy-style.ts";

export type ChartPoint = {
  readonly x: number;
  readonly y: number;
  readonly low: number;
  readonly high: number;
  /** Not better than the baseline. */
  readonly hollow: boolean;
  /** What a pointer over it shows. */
  readonly title: string;
};

export type ChartLine = {
  readonly name: string;
  /** Class of its elements, so that the legend can bring it out. */
  readonly className: string;
  readonly style: PolicyStyle;
  readonly points: readonly ChartPoint[];
};

export type LineChart = {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  /** `share`: 0 to 1, written in per cent. */
  readonly scale: "share" | "linear" | "log";
  /** A level that the lines are to be read against. */
  readonly level?: { readonly value: number; readonly label: string };
  readonly lines: readonly ChartLine[];
};

/** Pixels between lines, so that intervals at the same memory do not hide each other. */
const apart = 2;

const percent = (share: number) => `${Math.round(100 * share)} %`;

/** One SVG: quality against memory, a line a policy. */
export function lineChart(chart: LineChart): Markup {
  const x = linearAxis({ low: 0, high: 1, from: drawn.left, to: drawn.right }, 5);
  const y = yAxis(chart, { from: drawn.bottom, to: drawn.top });
  return chartFrame(
    { ...chart, x, y, xTick: percent, yTick: chart.scale === "share" ? percent : String },
    chart.level ? levelLine(chart.level, y) : [],
    chart.lines.map((line, i) => lineOf(line, x, y, apart * (i - (chart.lines.length - 1) / 2))),
  );
}

function yAxis({ scale, lines, level }: LineChart, { from, to }: { from: number; to: number }): Axis {
  if (scale === "share") return linearAxis({ low: 0, high: 1, from, to });
  const values = lines.flatMap(({ points }) => points.map((point) => point.y));
  if (level) values.push(level.value);
  const positive = values.filter((value) => value > 0);
  if (scale === "linear" || positive.length === 0) {
    return linearAxis({ low: Math.min(...values), high: Math.max(...values), from, to });
  }
  return logAxis({ low: Math.min(...positive), high: Math.max(...positive), from, to });
}

function levelLine({ value, label }: NonNullable<LineChart["level"]>, y: Axis): Markup[] {
  const at = y.place(value);
  return [
    element("line", { x1: drawn.left, x2: drawn.right, y1: at, y2: at, class: "level" }),
    element("text", { x: drawn.left + 6, y: at < drawn.top + 16 ? at + 15 : at - 5, class: "tick" }, label),
  ];
}

function lineOf({ name, className, style, points }: ChartLine, x: Axis, y: Axis, shift: number): Markup {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const across = (point: ChartPoint) => x.place(point.x) + shift;
  const path = sorted.map((point) => `${across(point).toFixed(2)},${y.place(point.y).toFixed(2)}`);
  return element(
    "g",
    { class: `line ${className}`, "data-policy": name, stroke: style.colour },
    sorted.map((point) =>
      element("line", {
        x1: across(point),
        x2: across(point),
        y1: y.place(point.low),
        y2: y.place(point.high),
        class: "interval",
      }),
    ),
    element("polyline", {
      points: path.join(" "),
      fill: "none",
      "stroke-width": 1.8,
      "stroke-dasharray": style.dash,
    }),
    sorted.map((point) =>
      element(
        "g",
        {},
        element("title", {}, point.title),
        markerAt(across(point), y.place(point.y), style, point.hollow),
      ),
    ),
  );
}
