import { inkOn } from "./colour-scale.ts";
import { type Child, element } from "./markup.ts";
import type { Picture } from "./picture.ts";
import { textWidth } from "./text-width.ts";

export type HeatCell = {
  /** Indices within the map. */
  readonly down: number;
  readonly across: number;
  readonly colour: string;
  /** Written into it where it is large enough. */
  readonly text: string;
  /** What a pointer over it shows. */
  readonly title: string;
};

/** One map, in that row and column of maps. */
export type HeatMap = {
  readonly row: number;
  readonly column: number;
  readonly cells: readonly HeatCell[];
};

/** One side of every map. */
export type HeatSide = {
  readonly label?: string;
  readonly names: readonly string[];
  /** Of a cell along this side, pixels. */
  readonly pixels: number;
};

export type ColourScale = {
  readonly colour: (share: number) => string;
  /** From its beginning to its end, evenly apart. */
  readonly names: readonly string[];
};

export type HeatMaps = {
  readonly title?: string;
  readonly label: string;
  /** What rows and columns of maps are called; one of each, without a name, for a single map. */
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly down: HeatSide;
  readonly across: HeatSide;
  readonly maps: readonly HeatMap[];
  /** Drawn below; not where a page has one for many. */
  readonly scale?: ColourScale;
};

const gap = 12;
/** About a character of the smallest text. */
const tiny = 6.2;
const scaleHeight = 40;

const longest = (names: readonly string[]) => names.reduce((most, { length }) => Math.max(most, length), 0);

/** Maps in rows and columns, all with the same sides. */
export function heatMaps(chart: HeatMaps): Picture {
  const { title, label, rows, columns, down, across, maps, scale } = chart;
  const [mapWidth, mapHeight] = [across.names.length * across.pixels, down.names.length * down.pixels];
  const rowNames = longest(rows) > 0 ? 8 + textWidth("x".repeat(longest(rows))) : 0;
  const left = 12 + rowNames + (down.label === undefined ? 0 : 18) + tiny * longest(down.names);
  const heads = {
    title: title === undefined ? 0 : 20,
    columns: longest(columns) > 0 ? 18 : 0,
    label: across.label === undefined ? 0 : 16,
  };
  const top = 20 + heads.title + heads.columns + heads.label;
  const xOf = (column: number) => left + column * (mapWidth + gap);
  const yOf = (row: number) => top + row * (mapHeight + gap);
  const bottom = yOf(rows.length) - gap + 8;
  const width = Math.max(
    xOf(columns.length) - gap + 12,
    textWidth(title ?? "") + 20,
    scale ? left + scaleWidth + 40 : 0,
  );
  const content = [
    title === undefined ? [] : element("text", { x: 4, y: 16, class: "title" }, title),
    columns.map((column, i) => [
      element("text", { x: xOf(i) + mapWidth / 2, y: heads.title + 15, class: "label middle" }, column),
      across.label === undefined
        ? []
        : element("text", { x: xOf(i) + mapWidth / 2, y: top - 20, class: "middle" }, across.label),
      ticksAcross(across, xOf(i), top - 6),
    ]),
    rows.map((row, i) => [
      element("text", { x: 4, y: yOf(i) + mapHeight / 2 + 4, class: "label" }, row),
      down.label === undefined
        ? []
        : element(
            "text",
            {
              transform: `translate(${rowNames + 14} ${yOf(i) + mapHeight / 2}) rotate(-90)`,
              class: "middle",
            },
            down.label,
          ),
      ticksDown(down, left - 6, yOf(i)),
    ]),
    maps.map(({ row, column, cells }) =>
      cells.map((cell) => cellOf(cell, { x: xOf(column), y: yOf(row) }, chart)),
    ),
    scale ? scaleOf(scale, left, bottom + 8) : [],
  ];
  return { label, width, height: bottom + (scale ? scaleHeight : 0), grows: false, content };
}

function cellOf(
  { down, across, colour, text, title }: HeatCell,
  at: { readonly x: number; readonly y: number },
  sides: Pick<HeatMaps, "down" | "across">,
): Child {
  const [width, height] = [sides.across.pixels, sides.down.pixels];
  const [x, y] = [at.x + across * width, at.y + down * height];
  // Between cells too small for it a gap would be all that is seen.
  const between = Math.min(width, height) >= 6 ? 1 : 0;
  const written = text !== "" && height >= 12 && width >= tiny * text.length + 2;
  return element(
    "g",
    {},
    element("title", {}, title),
    element("rect", { x, y, width: width - between, height: height - between, fill: colour }),
    written
      ? element(
          "text",
          { x: x + width / 2, y: y + height / 2 + 3.5, class: "tiny middle", fill: inkOn(colour) },
          text,
        )
      : [],
  );
}

/** As many names as fit, evenly chosen. */
function ticksAcross({ names, pixels }: HeatSide, left: number, y: number): Child {
  const step = Math.ceil((tiny * longest(names) + 4) / pixels);
  return names.map((name, i) =>
    i % step === 0 ? element("text", { x: left + (i + 0.5) * pixels, y, class: "tiny middle" }, name) : [],
  );
}

function ticksDown({ names, pixels }: HeatSide, x: number, top: number): Child {
  const step = Math.ceil(11 / pixels);
  return names.map((name, i) =>
    i % step === 0 ? element("text", { x, y: top + (i + 0.5) * pixels + 3.5, class: "tiny end" }, name) : [],
  );
}

const scaleWidth = 180;
const slices = 60;

function scaleOf({ colour, names }: ColourScale, x: number, y: number): Child {
  const slice = scaleWidth / slices;
  return [
    Array.from({ length: slices }, (_, i) =>
      element("rect", {
        ...{ x: x + i * slice, y, height: 10 },
        width: slice,
        fill: colour(i / (slices - 1)),
      }),
    ),
    names.map((name, i) =>
      element(
        "text",
        { x: x + (i * scaleWidth) / Math.max(1, names.length - 1), y: y + 23, class: "tiny middle" },
        name,
      ),
    ),
  ];
}
