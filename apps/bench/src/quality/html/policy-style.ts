import { element, type Markup } from "../../html/markup.ts";
import { seriesColours } from "../../html/series-colours.ts";

/** How a policy is drawn, in every chart alike. */
export type PolicyStyle = { readonly colour: string; readonly dash: string; readonly marker: Marker };

type Marker = "circle" | "square" | "up" | "diamond" | "down" | "pentagon" | "bar";

// Beyond as many policies as there are colours, marker and dashes tell policies of one colour apart.
const markers: readonly Marker[] = ["circle", "square", "up", "diamond", "down", "pentagon", "bar"];
const dashes = ["none", "7 3", "2 3", "7 3 2 3"];

/** The baseline is grey and dotted, whatever else is drawn. */
const randomStyle: PolicyStyle = { colour: "#6b6b6b", dash: "1 4", marker: "circle" };

/** A style for each policy but `full`, in their order. */
export function policyStyles(policies: readonly string[]): ReadonlyMap<string, PolicyStyle> {
  const named = [...new Set(policies)].filter((policy) => policy !== "random" && policy !== "full");
  const styles = named.map((policy, i): [string, PolicyStyle] => {
    const round = Math.floor(i / seriesColours.length);
    const marker = markers[(i + 2 * round) % markers.length]!;
    return [
      policy,
      { colour: seriesColours[i % seriesColours.length]!, dash: dashes[round % dashes.length]!, marker },
    ];
  });
  return new Map([["random", randomStyle], ...styles]);
}

const outlines: Readonly<Record<Exclude<Marker, "circle">, readonly (readonly [number, number])[]>> = {
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

/** A marker around a point; hollow ones are white inside. */
export function markerAt(x: number, y: number, { colour, marker }: PolicyStyle, hollow = false): Markup {
  const size = 4;
  const paint = { fill: hollow ? "#ffffff" : colour, stroke: colour, "stroke-width": 1.6 };
  if (marker === "circle") return element("circle", { cx: x, cy: y, r: size, ...paint });
  const points = outlines[marker].map(
    ([dx, dy]) => `${(x + size * dx).toFixed(2)},${(y + size * dy).toFixed(2)}`,
  );
  return element("polygon", { points: points.join(" "), ...paint });
}
