import { heatColour } from "../../html/colour-scale.ts";
import type { HeatMaps } from "../../html/heat-maps.ts";
import type { NeedleCell } from "../quality-report.ts";

export type NeedleMaps = {
  readonly title: string;
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  readonly maps: readonly {
    readonly row: string;
    readonly column: string;
    readonly cells: readonly NeedleCell[];
  }[];
};

/** For each policy and budget a map of depth (down) against length (across), coloured by the share that is found. */
export function needleMaps({ title, rows, columns, maps }: NeedleMaps): HeatMaps {
  const lengths = [...new Set(maps.flatMap(({ cells }) => cells.map(({ length }) => length)))];
  const depths = [...new Set(maps.flatMap(({ cells }) => cells.map(({ depth }) => depth)))];
  return {
    ...{ title, label: title, rows, columns },
    down: { names: depths.map(String), pixels: 15 },
    across: { names: lengths.map(String), pixels: Math.min(60, Math.max(12, 90 / lengths.length)) },
    maps: maps.map(({ row, column, cells }) => ({
      row: rows.indexOf(row),
      column: columns.indexOf(column),
      cells: cells.map(({ length, depth, found, n }) => ({
        down: depths.indexOf(depth),
        across: lengths.indexOf(length),
        colour: heatColour(found / n),
        text: `${found}/${n}`,
        title: `${row}, ${column}, ${length} tokens, depth ${depth}: ${found} of ${n}`,
      })),
    })),
  };
}
