import type { HeatMapBlock, LineChartBlock, TableBlock } from "../figure.ts";
import { numberText } from "./number-text.ts";

type Table = Pick<TableBlock, "columns" | "rows">;

/** A terminal shows no more rows of a chart than fit it; the numbers that are left out are in the JSON. */
const mostRows = 24;

/** A terminal shows no more columns of numbers than fit it. */
const mostColumns = 16;

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
      String(at),
      ...series.map(({ points }) => {
        const found = points.find((point) => point.x === at);
        return found ? numberText(found.y) : "";
      }),
    ]),
  };
}

/** A heat map as a table of its numbers, or of what there is in each row where these are many. */
export function heatRows({ rows, columns, rowNames, columnNames, values }: HeatMapBlock): Table {
  const nameOf = (row: number) => rowNames?.[row] ?? String(row);
  const width = values.reduce((most, { length }) => Math.max(most, length), 0);
  if (width > mostColumns) {
    return {
      columns: [rows, "measured", "lowest", "mean", "highest"],
      rows: values.map((row, i) => [nameOf(i), ...summary(row.filter((value) => value !== undefined))]),
    };
  }
  return {
    columns: [
      `${rows} \\ ${columns}`,
      ...Array.from({ length: width }, (_, i) => columnNames?.[i] ?? String(i)),
    ],
    rows: values.map((row, i) => [
      nameOf(i),
      ...Array.from({ length: width }, (_, column) => row[column]?.toFixed(2) ?? ""),
    ]),
  };
}

function summary(values: readonly number[]): readonly string[] {
  if (values.length === 0) return ["0", "", "", ""];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return [String(values.length), ...[Math.min(...values), mean, Math.max(...values)].map(numberText)];
}
