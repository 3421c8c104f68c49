import { element, type Markup } from "../../html/markup.ts";
import type { NeedleCell } from "../quality-report.ts";

export type HeatMap = {
  readonly row: string;
  readonly column: string;
  readonly cells: readonly NeedleCell[];
};

export type HeatMaps = {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly maps: readonly HeatMap[];
};

/** Stops of cividis (Nuñez, Anderton, Renslow, 2018), made to look the same with any colour vision. */
const stops = ["#00224e", "#35456c", "#666970", "#948e77", "#c8b866", "#fee838"];

/** The colour of a share. */
export function heatColour(share: number): string {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(at));
  const channel = (stop: number, index: number) =>
    Number.parseInt(stops[stop]!.slice(1 + 2 * index, 3 + 2 * index), 16);
  const mixed = [0, 1, 2].map((index) => {
    const value = channel(below, index) + (at - below) * (channel(below + 1, index) - channel(below, index));
    return Math.round(value).toString(16).padStart(2, "0");
  });
  return `#${mixed.join("")}`;
}

const rowHeight = 15;
const gap = 12;
const top = 58;

/** One SVG: for each policy and budget a map of depth (down) against length (across). */
export function heatMaps({ title, rows, columns, maps }: HeatMaps): Markup {
  const lengths = [...new Set(maps.flatMap(({ cells }) => cells.map(({ length }) => length)))];
  const depths = [...new Set(maps.flatMap(({ cells }) => cells.map(({ depth }) => depth)))];
  const cellWidth = Math.min(60, Math.max(12, 90 / lengths.length));
  const mapWidth = lengths.length * cellWidth;
  const mapHeight = depths.length * rowHeight;
  // About the width of the longest name, and of a depth.
  const left = 36 + 7 * Math.max(...rows.map((row) => row.length));
  const xOf = (column: number) => left + column * (mapWidth + gap);
  const yOf = (row: number) => top + row * (mapHeight + gap);
  const width = xOf(columns.length) - gap + 8;
  const height = yOf(rows.length) + 8;
  const lengthLabels = cellWidth >= 22 ? lengths : [lengths[0]!, lengths.at(-1)!];
  return element(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, style: `max-width:${width}px`, role: "img", "aria-label": title },
    element("text", { x: 4, y: 16, class: "title" }, title),
    columns.map((column, i) => [
      element("text", { x: xOf(i) + mapWidth / 2, y: 35, class: "label middle" }, column),
      lengthLabels.map((length) =>
        element(
          "text",
          { x: xOf(i) + (lengths.indexOf(length) + 0.5) * cellWidth, y: 51, class: "tiny middle" },
          length,
        ),
      ),
    ]),
    rows.map((row, i) => [
      element("text", { x: 4, y: yOf(i) + mapHeight / 2 + 4, class: "label" }, row),
      depths.map((depth, d) =>
        element(
          "text",
          { x: left - 6, y: yOf(i) + (d + 0.75) * rowHeight, class: "tiny end" },
          String(depth),
        ),
      ),
    ]),
    maps.flatMap(({ row, column, cells }) =>
      cells.map(({ length, depth, found, n }) => {
        const x = xOf(columns.indexOf(column)) + lengths.indexOf(length) * cellWidth;
        const y = yOf(rows.indexOf(row)) + depths.indexOf(depth) * rowHeight;
        const share = found / n;
        const written = cellWidth >= 22 ? `${found}/${n}` : "";
        return element(
          "g",
          {},
          element("title", {}, `${row}, ${column}, ${length} tokens, depth ${depth}: ${found} of ${n}`),
          element("rect", { x, y, width: cellWidth - 1, height: rowHeight - 1, fill: heatColour(share) }),
          element(
            "text",
            {
              x: x + cellWidth / 2,
              y: y + rowHeight - 4,
              class: "tiny middle",
              fill: share < 0.6 ? "#ffffff" : "#000000",
            },
            written,
          ),
        );
      }),
    ),
  );
}
