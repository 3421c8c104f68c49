import { type Axis, linearAxis, logAxis } from "./axis.ts";
import { element, type Markup } from "./markup.ts";
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

const size = { width: 600, height: 340, left: 72, right: 26, top: 34, bottom: 46 };

/** Pixels between lines, so that intervals at the same memory do not hide each other. */
const apart = 2;

const percent = (share: number) => `${Math.round(100 * share)} %`;

/** One SVG: quality against memory, a line a policy. */
export function lineChart(chart: LineChart): Markup {
  const { width, height, left, right, top, bottom } = size;
  const x = linearAxis({ low: 0, high: 1, from: left, to: width - right }, 5);
  const y = yAxis(chart, { from: height - bottom, to: top });
  const label = chart.scale === "share" ? percent : (value: number) => String(value);
  return element(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `${chart.title}, ${chart.xLabel}` },
    element("text", { x: left, y: 18, class: "title" }, chart.title),
    y.ticks.map((tick) => [
      element("line", { x1: left, x2: width - right, y1: y.place(tick), y2: y.place(tick), class: "grid" }),
      element("text", { x: left - 8, y: y.place(tick) + 4, class: "tick end" }, label(tick)),
    ]),
    x.ticks.map((tick) => [
      element("line", { x1: x.place(tick), x2: x.place(tick), y1: top, y2: height - bottom, class: "grid" }),
      element("text", { x: x.place(tick), y: height - bottom + 18, class: "tick middle" }, percent(tick)),
    ]),
    element("text", { x: (left + width - right) / 2, y: height - 8, class: "label middle" }, chart.xLabel),
    element(
      "text",
      { transform: `translate(15 ${(top + height - bottom) / 2}) rotate(-90)`, class: "label middle" },
      chart.yLabel,
    ),
    chart.level ? levelLine(chart.level, y) : [],
    chart.lines.map((line, i) => drawn(line, x, y, apart * (i - (chart.lines.length - 1) / 2))),
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
    element("line", { x1: size.left, x2: size.width - size.right, y1: at, y2: at, class: "level" }),
    element("text", { x: size.left + 6, y: at < size.top + 16 ? at + 15 : at - 5, class: "tick" }, label),
  ];
}

function drawn({ name, className, style, points }: ChartLine, x: Axis, y: Axis, shift: number): Markup {
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
