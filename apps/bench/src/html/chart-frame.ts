import type { Axis } from "./axis.ts";
import { type Child, element } from "./markup.ts";
import type { Picture } from "./picture.ts";
import { textWidth } from "./text-width.ts";

/** Pixels of a chart, and of the margins around what is drawn. */
const size = { width: 600, height: 340, left: 72, right: 26, top: 34, bottom: 46 };

/** What of the upper margin only a title needs. */
const titleHeight = 22;

/** Where things are drawn, in pixels: y grows downwards. */
export const drawn = {
  left: size.left,
  right: size.width - size.right,
  top: size.top,
  bottom: size.height - size.bottom,
};

export type ChartFrame = {
  /** Above the chart; one that is named outside of it has only a `label`. */
  readonly title?: string;
  readonly label: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly xTick: (value: number) => string;
  readonly yTick: (value: number) => string;
  /** Drawn below, from 0 on. */
  readonly legend?: { readonly height: number; readonly content: Child };
};

/** Title, axes and grid, in it what is drawn, and the legend below. */
export function chartFrame(frame: ChartFrame, ...children: readonly Child[]): Picture {
  const { title, label, xLabel, yLabel, x, y, yTick, legend } = frame;
  const { left, right, top, bottom } = drawn;
  const content = [
    title === undefined ? [] : element("text", { x: left, y: 18, class: "title" }, title),
    y.ticks.map((tick) => [
      element("line", { x1: left, x2: right, y1: y.place(tick), y2: y.place(tick), class: "grid" }),
      element("text", { x: left - 8, y: y.place(tick) + 4, class: "tick end" }, yTick(tick)),
    ]),
    x.ticks.map((tick) =>
      element("line", { x1: x.place(tick), x2: x.place(tick), y1: top, y2: bottom, class: "grid" }),
    ),
    xTicks(frame),
    element("text", { x: (left + right) / 2, y: size.height - 8, class: "label middle" }, xLabel),
    element(
      "text",
      { transform: `translate(15 ${(top + bottom) / 2}) rotate(-90)`, class: "label middle" },
      yLabel,
    ),
    children,
    legend ? element("g", { transform: `translate(0 ${size.height})` }, legend.content) : [],
  ];
  const unused = title === undefined ? titleHeight : 0;
  const height = size.height + (legend?.height ?? 0) - unused;
  return { label, width: size.width, height, top: unused, grows: true, content };
}

/** The numbers under the chart, without those that would run into the one before. */
function xTicks({ x, xTick }: ChartFrame): Child {
  let free = Number.NEGATIVE_INFINITY;
  return x.ticks.map((tick) => {
    const [at, text] = [x.place(tick), xTick(tick)];
    if (at - textWidth(text) / 2 < free) return [];
    free = at + textWidth(text) / 2;
    return element("text", { x: at, y: drawn.bottom + 18, class: "tick middle" }, text);
  });
}
