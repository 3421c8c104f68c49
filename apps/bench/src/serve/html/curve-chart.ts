import { linearAxis, logAxis } from "../../html/axis.ts";
import { chartFrame, drawn } from "../../html/chart-frame.ts";
import { element, type Markup } from "../../html/markup.ts";
import { seriesColours } from "../../html/series-colours.ts";

type Point = readonly [x: number, y: number];

export type Curve = {
  readonly name: string;
  readonly points: readonly Point[];
  /** Points alone, or a line through them. */
  readonly form: "line" | "points";
};

export type CurveChart = {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale: "linear" | "log";
  /** `share`: 0 to 1, written in per cent. */
  readonly yScale: "linear" | "share";
  readonly curves: readonly Curve[];
};

/** One SVG of curves, with their names in it. What is 0 or less stands at the end of a logarithmic axis. */
export function curveChart({ xScale, yScale, curves, ...text }: CurveChart): Markup {
  const xs = curves.flatMap(({ points }) => points.map(([x]) => x));
  const ys = curves.flatMap(({ points }) => points.map(([, y]) => y));
  const across = { from: drawn.left, to: drawn.right };
  const down = { from: drawn.bottom, to: drawn.top };
  const positive = xs.filter((x) => x > 0);
  const x =
    xScale === "log" && positive.length > 0
      ? logAxis({ low: least(positive), high: most(positive), ...across })
      : linearAxis({ low: 0, high: most(xs), ...across });
  const y = linearAxis({ low: 0, high: yScale === "share" ? 1 : most(ys), ...down });
  const percent = (share: number) => `${Math.round(100 * share)} %`;
  return chartFrame(
    { ...text, x, y, xTick: String, yTick: yScale === "share" ? percent : String },
    curves.map(({ name, points, form }, i) => {
      const colour = seriesColours[i % seriesColours.length]!;
      const at = points.map(([px, py]) => [x.place(px), y.place(py)] as const);
      return element(
        "g",
        { class: "line", "data-curve": name },
        form === "line"
          ? element("polyline", {
              points: at.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" "),
              fill: "none",
              stroke: colour,
              "stroke-width": 1.8,
            })
          : at.map(([cx, cy]) => element("circle", { cx, cy, r: 2, fill: colour, "fill-opacity": 0.45 })),
      );
    }),
    curves.length > 1 ? curves.map(({ name }, i) => legendLine(name, i)) : [],
  );
}

function legendLine(name: string, i: number): Markup[] {
  const colour = seriesColours[i % seriesColours.length]!;
  const y = drawn.top + 14 + 16 * i;
  return [
    element("rect", {
      x: drawn.right - 100,
      y: y - 9,
      width: 100,
      height: 14,
      fill: "#fff",
      "fill-opacity": 0.8,
    }),
    element("line", {
      x1: drawn.right - 96,
      x2: drawn.right - 78,
      y1: y - 4,
      y2: y - 4,
      stroke: colour,
      "stroke-width": 3,
    }),
    element("text", { x: drawn.right - 72, y, class: "tick" }, name),
  ];
}

// Spread into Math.max, thousands of points would not fit the stack.
const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);
const least = (values: readonly number[]) =>
  values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
