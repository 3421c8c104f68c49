import { element, type Markup } from "./markup.ts";
import { seriesColours } from "./series-colours.ts";

/** How a line is drawn: `dash` as SVG has it, `none` for one without gaps; `dot` is a marker for many points. */
export type LineStyle = { readonly colour: string; readonly dash: string; readonly marker: Marker };

export type Marker = Outlined | "circle" | "dot" | "none";

type Outlined = "square" | "up" | "diamond" | "down" | "pentagon" | "bar";

// Beyond as many lines as there are colours, marker and dashes tell lines of one colour apart.
const markers: readonly Marker[] = ["circle", "square", "up", "diamond", "down", "pentagon", "bar"];
const dashes = ["none", "7 3", "2 3", "7 3 2 3"];

/** The style of the line with that number, from 0: another one for each of the first 28. */
export function lineStyle(number: number): LineStyle {
  const round = Math.floor(number / seriesColours.length);
  return {
    colour: seriesColours[number % seriesColours.length]!,
    dash: dashes[round % dashes.length]!,
    marker: markers[(number + 2 * round) % markers.length]!,
  };
}

const outlines: Readonly<Record<Outlined, readonly (readonly [number, number])[]>> = {
  square: [
    [-0.88, -0.88],
    [0.88, -0.88],
    [0.88, 0.88],
    [-0.88, 0.88],
  ],
  up: [
    [0, -1.15],
    [1.1, 0.8],
    [-1.1, 0.8],
  ],
  down: [
    [0, 1.15],
    [1.1, -0.8],
    [-1.1, -0.8],
  ],
  diamond: [
    [0, -1.25],
    [1.25, 0],
    [0, 1.25],
    [-1.25, 0],
  ],
  pentagon: [
    [0, -1.15],
    [1.1, -0.35],
    [0.7, 0.95],
    [-0.7, 0.95],
    [-1.1, -0.35],
  ],
  bar: [
    [-1.3, -0.5],
    [1.3, -0.5],
    [1.3, 0.5],
    [-1.3, 0.5],
  ],
};

/** The marker around a point, if the line has any; hollow ones are white inside. */
export function markerAt(
  x: number,
  y: number,
  { colour, marker }: LineStyle,
  hollow = false,
): Markup | readonly [] {
  const size = 4;
  const paint = { fill: hollow ? "#ffffff" : colour, stroke: colour, "stroke-width": 1.6 };
  if (marker === "none") return [];
  if (marker === "circle") return element("circle", { cx: x, cy: y, r: size, ...paint });
  if (marker === "dot") {
    return element("circle", { cx: x, cy: y, r: 2, fill: colour, "fill-opacity": 0.45, stroke: "none" });
  }
  const points = outlines[marker].map(
    ([dx, dy]) => `${(x + size * dx).toFixed(2)},${(y + size * dy).toFixed(2)}`,
  );
  return element("polygon", { points: points.join(" "), ...paint });
}

/** A short piece of a line, 44 pixels wide and with its middle at `y`, for a legend. */
export function lineSample(
  x: number,
  y: number,
  style: LineStyle,
  { hollow = false, joined = true }: { readonly hollow?: boolean; readonly joined?: boolean } = {},
): Markup {
  return element(
    "g",
    {},
    joined
      ? element("line", {
          ...{ x1: x, x2: x + 44, y1: y, y2: y },
          stroke: style.colour,
          "stroke-width": 1.8,
          "stroke-dasharray": style.dash,
        })
      : [],
    markerAt(x + 22, y, style, hollow),
  );
}
