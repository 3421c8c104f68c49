import type { Axis } from "./axis.ts";
import { type Child, element, type Markup } from "./markup.ts";

/** Pixels of a chart, and of the margins around what is drawn. */
const size = { width: 600, height: 340, left: 72, right: 26, top: 34, bottom: 46 };

/** Where things are drawn, in pixels: y grows downwards. */
export const drawn = {
  left: size.left,
  right: size.width - size.right,
  top: size.top,
  bottom: size.height - size.bottom,
};

export type ChartFrame = {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly xTick: (value: number) => string;
  readonly yTick: (value: number) => string;
};

/** One SVG: title, axes and grid, and in it what is drawn. */
export function chartFrame(frame: ChartFrame, ...children: readonly Child[]): Markup {
  const { title, xLabel, yLabel, x, y, xTick, yTick } = frame;
  const { left, right, top, bottom } = drawn;
  return element(
    "svg",
    { viewBox: `0 0 ${size.width} ${size.height}`, role: "img", "aria-label": `${title}, ${xLabel}` },
    element("text", { x: left, y: 18, class: "title" }, title),
    y.ticks.map((tick) => [
      element("line", { x1: left, x2: right, y1: y.place(tick), y2: y.place(tick), class: "grid" }),
      element("text", { x: left - 8, y: y.place(tick) + 4, class: "tick end" }, yTick(tick)),
    ]),
    x.ticks.map((tick) => [
      element("line", { x1: x.place(tick), x2: x.place(tick), y1: top, y2: bottom, class: "grid" }),
      element("text", { x: x.place(tick), y: bottom + 18, class: "tick middle" }, xTick(tick)),
    ]),
    element("text", { x: (left + right) / 2, y: size.height - 8, class: "label middle" }, xLabel),
    element(
      "text",
      { transform: `translate(15 ${(top + bottom) / 2}) rotate(-90)`, class: "label middle" },
      yLabel,
    ),
    children,
  );
}
