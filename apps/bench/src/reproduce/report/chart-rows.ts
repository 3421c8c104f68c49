import type { HeatMapBlock, LineChartBlock, TableBlock } from "../figure.ts";

type Table = Pick<TableBlock, "columns" | "rows">;

/** A terminal shows no more rows of a chart than fit it; the numbers that are left out are in the JSON. */
const mostRows = 24;

const short = (value: number | undefined): string =>
  value === undefined ? "" : String(Number(value.toPrecision(4)));

/** The points of a line chart as a table: a row for each x, some of them where there are many. */
export function lineRows({ x, series }: LineChartBlock): Table {
  const all = [...new Set(series.flatMap(({ points }) => points.map((point) => point.x)))].sort(
    (a, b) => a - b,
  );
  const shown =
    all.length <= mostRows
      ? all
      : Array.from({ length: mostRows }, (_, i) => all[Math.round((i * (all.length - 1)) / (mostRows - 1))]!);
  return {
    columns: [x.label, ...series.map(({ name }) => name)],
    rows: shown.map((at) => [
      short(at),
      ...series.map(({ points }) => short(points.find((point) => point.x === at)?.y)),
    ]),
  };
}

/** A heat map as a table of its numbers. */
export function heatRows({ rows, columns, rowNames, columnNames, values }: HeatMapBlock): Table {
  const across = values[0]?.map((_, column) => columnNames?.[column] ?? String(column)) ?? [];
  return {
    columns: [`${rows} \\ ${columns}`, ...across],
    rows: values.map((row, i) => [
      rowNames?.[i] ?? String(i),
      ...row.map((value) => (value === undefined ? "" : String(Number(value.toPrecision(2))))),
    ]),
  };
}
